"""Every query that answers a reader: feeds, items, calendars, people. Reads only."""
