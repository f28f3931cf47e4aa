"""calendar_live: a calendar in which every open screen is right. See docs/architecture.md for the layers."""
