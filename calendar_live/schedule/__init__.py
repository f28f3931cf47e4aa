"""Instants, ranges and time zones. Pure."""
