"""The HTML pages: translate a request, make one call down, translate the answer back. Never writes a row."""
