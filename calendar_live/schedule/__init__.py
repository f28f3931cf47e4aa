"""Handles instants, ranges and time zones. Pure: no Django and no clock."""
