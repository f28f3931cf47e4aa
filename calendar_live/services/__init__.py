"""The only writers: each function is one transaction, with one change set per calendar."""
