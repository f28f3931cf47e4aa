"""Collects every text that people can see, and finds those that no translation could reach."""
