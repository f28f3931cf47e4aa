"""A PostgreSQL backend for Django that empties the database faster between two tests."""
