"""The wire, pure: states, rights, change sets and frames. Never touches Django, a clock, a socket or a database."""
