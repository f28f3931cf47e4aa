"""Servers, clusters and clients on loopback, shared by tests, bench, soak and run-cluster."""
