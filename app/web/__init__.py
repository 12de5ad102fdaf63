"""FastAPI: routes, schemas, one table from error to status, middleware."""
