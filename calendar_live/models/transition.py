"""Model of transitions, which record what the site still does for processes of the previous version."""

from __future__ import annotations

from typing import Final

from django.db import models

# Wires are stored with nulls, because processes that cannot read wires without them may still be running.
NULLS_IN_WIRES: Final = "nulls in wires"


class Transition(models.Model):
    """A transition that is not over yet. A migration begins it on a site that is not empty, and a command ends it."""

    name = models.CharField(primary_key=True, max_length=40)

    def __str__(self) -> str:
        return self.name
