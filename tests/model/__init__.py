"""Models the server and its clients in plain Python, and walks them at random through a bad network.

The model imports neither Django nor code of the application.
"""
