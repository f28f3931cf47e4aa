"""Serve the site under ASGI: the server, Django's application and middlewares, and what reaches the logs."""
