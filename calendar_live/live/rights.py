"""Tells every process whose rights have changed: by a membership, a link, a session or an account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable
from typing import Any

from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_save
from django.http import HttpRequest

from .. import conf
from ..access import receiver_of, rights_changed
from .announcing import guarded
from .codec import RIGHTS_TYPE
from .untold import AT_ONCE, Untold


def send_rights(*, receivers: Iterable[str], **_: Any) -> None:
    """Tell every process that the rights of some receivers, given by their keys, have changed.

    A thread tells the receivers to whom this cannot be sent, or not within the time limit.
    """
    left = list(receivers)
    deadline = time.monotonic() + conf.app.BROADCAST_TIMEOUT_SECONDS
    while left and time.monotonic() < deadline:
        if not guarded(_send_rights, left[:AT_ONCE], "The new rights of some receivers were not broadcast"):
            break
        del left[:AT_ONCE]
    if left:
        untold.add(left)


async def _send_rights(receivers: list[str]) -> None:
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is not None:
        async with asyncio.timeout(conf.app.BROADCAST_TIMEOUT_SECONDS):
            for receiver in receivers:
                await layer.group_send(receiver, {"type": RIGHTS_TYPE, "receiver": receiver})


untold = Untold(_send_rights)


def send_sign_out(*, request: HttpRequest, user: AbstractBaseUser | None, **_: Any) -> None:
    """Have a user's sockets checked when one of their sessions ends. Django's signal comes before the deletion."""
    if user is None:
        return
    flush, told = request.session.flush, [str(receiver_of(user))]

    def flush_and_tell() -> None:
        flush()
        transaction.on_commit(lambda: send_rights(receivers=told), robust=True)

    request.session.flush = flush_and_tell  # type: ignore[method-assign]  # of this one request


def send_account(*, instance: AbstractBaseUser, created: bool, update_fields: Collection[str] | None, **_: Any) -> None:
    """Have a user's sockets checked when their account changes. A new password or a deactivation ends sessions."""
    if not created and (update_fields is None or set(update_fields) != {"last_login"}):
        told = [str(receiver_of(instance))]
        transaction.on_commit(lambda: send_rights(receivers=told), robust=True)


rights_changed.connect(send_rights, dispatch_uid="calendar_live.live.rights")  # imported by apps.py
user_logged_out.connect(send_sign_out, dispatch_uid="calendar_live.live.rights.sign_out")
post_save.connect(send_account, sender=get_user_model(), dispatch_uid="calendar_live.live.rights.account")
