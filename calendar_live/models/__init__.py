"""Defines the models: rows and their constraints. Only services write them."""

from .calendar import Calendar, Membership, Role, left_ownerless, names_of, ownerless
from .invitation import Invitation
from .lease import Lease
from .live import LiveModel
from .log import ChangeSet, Entry
from .public_link import PublicLink, Shows
from .receipt import Receipt
from .transition import Transition
from .work_item import WORDS, Assignment, Priority, Status, Visibility, WorkItem, WorkType, between_commas, tag_key

__all__ = [
    "WORDS",
    "Assignment",
    "Calendar",
    "ChangeSet",
    "Entry",
    "Invitation",
    "Lease",
    "LiveModel",
    "Membership",
    "Priority",
    "PublicLink",
    "Receipt",
    "Role",
    "Shows",
    "Status",
    "Transition",
    "Visibility",
    "WorkItem",
    "WorkType",
    "between_commas",
    "left_ownerless",
    "names_of",
    "ownerless",
    "tag_key",
]
