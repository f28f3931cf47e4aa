"""The JSON API: each view translates a request, makes one call down, and translates the answer back."""
