"""Serves the HTML pages. Each view translates a request, makes one call down, and renders the answer."""
