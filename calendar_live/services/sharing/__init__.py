"""Shares calendars: members, ownership, invitations, public links, and each user's own order of calendars."""

from .invitations import (
    Mailing,
    accept,
    accept_as_new,
    find_invitation,
    mark_mailed,
    pending,
    role_kept,
    send_again,
    withdraw,
)
from .links import create_link, edit_link, withdraw_link
from .members import change_role, leave, remove, share
from .order import set_order
from .ownership import answer_offer, transfer

__all__ = [
    "Mailing",
    "accept",
    "accept_as_new",
    "answer_offer",
    "change_role",
    "create_link",
    "edit_link",
    "find_invitation",
    "leave",
    "mark_mailed",
    "pending",
    "remove",
    "role_kept",
    "send_again",
    "set_order",
    "share",
    "transfer",
    "withdraw",
    "withdraw_link",
]
