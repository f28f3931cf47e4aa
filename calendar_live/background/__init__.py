"""Background work: what is removed after a while, and the thread that does it."""
