"""Keeps an active owner in every calendar: refuses to deactivate an account that a calendar depends on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection
from django.db.models.signals import pre_save
from django.dispatch import receiver

from ..errors import Fault, Invalid
from ..models import Membership, Role, left_ownerless, names_of
from .roles import lock


def require_owners_without(user: AbstractBaseUser) -> None:
    """Raise Invalid if calendars need a user as their last owner with an active account. The error names them.

    Inside a transaction, as in the admin, no other member can leave these calendars until the transaction ends.
    """
    if connection.in_atomic_block:
        owned = Membership.objects.filter(user=user.pk, role=Role.OWNER, calendar__deleted_at=None)
        for calendar_id in sorted(owned.values_list("calendar", flat=True)):
            lock(calendar_id)
    if left := left_ownerless([user.pk]):
        fault = Fault("last_active_owner", calendars=names_of(left))
        raise Invalid(fault, fields={"is_active": [fault]})


# Deletions are refused by `keep_owners` of the memberships, which sees all users of a `QuerySet.delete()` together.
@receiver(pre_save, dispatch_uid="calendar_live.services.owners")
def refuse_deactivation(
    *, instance: Any, using: str, raw: bool, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    """Refuse to `save()` an active user as inactive, also through a proxy of the user model.

    `QuerySet.update()` sends no signal, so it cannot be refused.
    """
    users = get_user_model()
    if raw or not isinstance(instance, users) or instance._state.adding or instance.is_active:
        return
    if update_fields is not None and "is_active" not in update_fields:
        return
    if users._default_manager.using(using).filter(pk=instance.pk, is_active=True).exists():
        require_owners_without(instance)
