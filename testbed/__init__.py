"""Provides servers, clusters and clients on loopback to tests, bench, soak and run-cluster."""
