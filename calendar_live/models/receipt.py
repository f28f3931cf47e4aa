"""Receipts of requests that were done under an `Idempotency-Key`. Written by services/receipts.py."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Receipt(models.Model):
    """One request that one user made under a key of theirs: its digest, and the ids of what it made. Never an answer, nor a token.

    Calls that write work items have their change set for it, which keeps their first answer too.
    """

    id = models.BigAutoField(primary_key=True)
    # Unknown to the database: a process of an earlier version deletes users without reading this table, and what it leaves is pruned.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    key = models.UUIDField()
    request_digest = models.CharField(max_length=64)
    made = models.JSONField(default=dict)
    made_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="one_receipt_per_key"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.key}"
