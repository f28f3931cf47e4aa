"""Model of receipts for requests that were carried out under an `Idempotency-Key`. Written by services/receipts.py."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Receipt(models.Model):
    """One request of one user under an `Idempotency-Key`: its digest, and the ids of what it made.

    A receipt contains no answer and no token. Calls that write work items have no receipt: their change set does the
    same, and keeps their first answer as well.
    """

    id = models.BigAutoField(primary_key=True)
    # The database has no constraint, because a process of an earlier version deletes users without reading this table.
    # The receipts that it leaves behind are pruned.
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
