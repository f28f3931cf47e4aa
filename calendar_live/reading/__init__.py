"""Answers readers: feeds, items, the trash, trees, calendars and people. Every function only reads."""
