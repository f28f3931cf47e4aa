"""The soak: runs real clients and writers on the real topology, with a fault every few seconds. See docs/soak.md."""
