"""Serves the site under ASGI: the server, Django's application and middlewares, and what may reach the logs."""
