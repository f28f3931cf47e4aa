"""Django's PostgreSQL backend, quicker between two tests."""
