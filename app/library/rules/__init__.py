"""The rules of the library that need no store: what is one trigger, what expires, what goes."""
