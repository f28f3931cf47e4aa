"""The JSON API: translate, one call down, translate back. Never decides anything that a service or access.py decides."""
