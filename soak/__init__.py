"""The soak: real clients and writers on the real topology, and a fault every few seconds. See docs/soak.md."""
