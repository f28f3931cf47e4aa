"""The ready-made site around calendar_live: settings, URLs and the ASGI application."""
