"""calendar_live: a live calendar for Django. docs/architecture.md describes its layers."""
