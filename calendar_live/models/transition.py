"""Transitions: what the site still does for processes of the previous version."""

from __future__ import annotations

from typing import Final

from django.db import models

# Wires are stored with nulls: processes that cannot read them otherwise may be running.
NULLS_IN_WIRES: Final = "nulls in wires"


class Transition(models.Model):
    """Something that is not over yet. A migration begins it on a site that is not empty; a command ends it."""

    name = models.CharField(primary_key=True, max_length=40)

    def __str__(self) -> str:
        return self.name
