"""The only writers: each function is one transaction with one change set per calendar. Never builds a response or sends a frame."""
