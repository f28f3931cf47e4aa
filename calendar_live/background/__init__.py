"""Does background work: removes what is kept for a limited time, in a thread of the process."""
