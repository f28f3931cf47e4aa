"""Model of leases, by which one of several processes does what only one has to do. Written by services/retention.py."""

from __future__ import annotations

from django.db import models


class Lease(models.Model):
    """One process's turn at a duty. It ends at an instant by the database's clock."""

    duty = models.CharField(primary_key=True, max_length=40)
    holder = models.CharField(max_length=32, blank=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.duty}: {self.holder}"
