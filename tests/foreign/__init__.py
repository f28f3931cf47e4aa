"""A host site whose own model is live through the same interface as work items, and which has no work items."""
