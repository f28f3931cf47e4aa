"""Serves the JSON API. Each view translates a request, makes one call down, and translates the answer back."""
