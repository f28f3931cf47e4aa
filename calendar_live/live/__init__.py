"""Delivers committed change sets to every open socket. Knows calendars, ids and wires, never a work item."""
