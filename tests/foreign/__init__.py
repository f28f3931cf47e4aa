"""A host site with a model of its own, live through the same interface as work items and without any of them."""
