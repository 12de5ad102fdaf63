"""`neo-gateway check`: everything that `serve` needs, tried once; nothing is changed."""
