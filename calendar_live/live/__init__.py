"""Delivery: from a committed change set to every open socket. Knows calendars, ids and wires; never a work item."""
