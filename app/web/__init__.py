"""FastAPI: what is read of a request, what is answered, and who may ask."""
