"""Implements the wire protocol: states, rights, change sets, event objects and frames. Pure: no Django and no clock."""
