"""HTTP/1.1 on uvicorn's protocol, with limits for clients: all that leans on its inner names."""
