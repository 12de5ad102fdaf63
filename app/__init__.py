"""NEO Gateway: a defence against backdoors for an image classifier that is reached over HTTP."""
