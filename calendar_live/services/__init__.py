"""Writes the rows of the app. Only the changelog writes rows as well.

Each function is one transaction, with one change set per calendar.
"""
