"""The HTML pages: each view translates a request, makes one call down, and renders the answer."""
