"""A reference server and client in plain Python, walked at random through a bad network; imports no Django and no application code."""
