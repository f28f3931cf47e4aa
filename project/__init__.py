"""The site: settings, URLs and the ASGI application around calendar_live. Example use only, no logic."""
