"""Time, pure: instants, ranges and zones. Never reads a clock, a setting or a database."""
