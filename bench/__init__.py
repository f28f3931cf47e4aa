"""Measures this server side by side with a textbook one, in one run on one machine.

Nothing imports this package but itself and its tests.
"""
