"""The fields of an event object, each declared once, in their order: model, log, API, form and redaction read them here.

To add a field, add its entry and its column. What stands here is said of one field; what is done with a kind of field is
the business of each reader: how it must look on the wire (wires.py), what people may give (services/items/fields.py), as what
the API takes it (api/schemas.py), and how the dialog asks for it (pages/forms.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Literal

# The least rights with which a field is read as it is. Below them it is neutral, and a busy block has its own fields alone.
Reader = Literal["busy", "public", "shared", "full"]


class Kind(Enum):
    """What the value of a field is."""

    ID = auto()  # of a row, a UUID
    TIME = auto()  # an instant, or a date when the item is all-day
    FLAG = auto()
    ZONE = auto()  # the name of a time zone
    LINE = auto()
    LINES = auto()  # text of several lines
    WORD = auto()  # one of a few
    PERCENT = auto()
    COLOR = auto()
    PARENT = auto()  # the id of another work item
    USER = auto()
    PEOPLE = auto()  # ids of users
    LINK = auto()  # the address of a page
    TAGS = auto()
    TEXT = auto()  # what only programs read
    TEXTS = auto()


def gettext_noop(text: str) -> str:
    """Mark a label for the translators; who shows it translates it."""
    return text


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the event object.

    `neutral`: what it says where a source says nothing, and to receivers below `read_by`. None: it is absent then.
    `settable`: a client may give it. `required`: of a new item it must. `limit`: the setting that bounds its length.
    `in_span`: with others it says when the item is, and is kept or given up together with them.
    """

    name: str
    kind: Kind
    read_by: Reader
    neutral: object = None
    label: str = ""
    settable: bool = True
    required: bool = False
    limit: str = ""
    # The only ones there are. Of other fields of words, a source may have its own.
    words: tuple[str, ...] = ()
    in_span: bool = False
    # Where a work item keeps it; without a word here, under its own name in Python's spelling.
    kept_in: str = ""
    # For the readers of the API's description.
    about: str = ""
    examples: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name in Python's spelling, which is the form's too: `work_type` of `workType`."""
        return re.sub(r"([A-Z])", r"_\1", self.name).lower()

    @property
    def column(self) -> str:
        """The attribute of a work item that holds it."""
        return self.kept_in or self.key

    @property
    def may_be_null(self) -> bool:
        return self.neutral is None and self.kind is not Kind.TIME


_ = gettext_noop

FIELDS: Final = (
    Field("id", Kind.ID, "busy", settable=False),
    Field("calendar", Kind.ID, "busy", settable=False),
    Field("state", Kind.TEXT, "busy", settable=False),
    Field(
        "title",
        Kind.LINE,
        "public",
        neutral="",
        label=_("Title"),
        required=True,
        limit="MAX_TITLE_LENGTH",
        about="At most MAX_TITLE_LENGTH characters, a setting of the site.",
    ),
    Field(
        "start",
        Kind.TIME,
        "busy",
        required=True,
        in_span=True,
        examples=("2026-11-22T09:00:00Z", "2026-11-22"),
    ),
    Field(
        "end",
        Kind.TIME,
        "busy",
        required=True,
        in_span=True,
        about="Exclusive.",
        examples=("2026-11-22T10:00:00Z", "2026-11-23"),
    ),
    Field("allDay", Kind.FLAG, "busy", neutral=False, label=_("All day"), in_span=True),
    Field(
        "timeZone",
        Kind.ZONE,
        "busy",
        neutral="UTC",
        label=_("Time zone"),
        in_span=True,
        about="An IANA time zone: where the item is at home.",
    ),
    Field("color", Kind.COLOR, "public", label=_("Colour"), about="#rrggbb, or null for the calendar's."),
    Field("workType", Kind.WORD, "public", neutral="", label=_("Type"), about="project, activity, task or meeting"),
    Field(
        "status",
        Kind.WORD,
        "public",
        neutral="",
        label=_("Status"),
        about="not_started, in_progress, at_risk, blocked, completed or cancelled",
    ),
    Field(
        "priority", Kind.WORD, "public", neutral="", label=_("Priority"), about="low, medium, high, urgent or critical"
    ),
    Field("progress", Kind.PERCENT, "public", neutral=0, label=_("Progress"), about="Percent."),
    Field(
        "visibility",
        Kind.WORD,
        "public",
        neutral="normal",
        label=_("Visibility"),
        words=("normal", "private", "secret"),
        about="normal, private or secret",
    ),
    Field(
        "parent",
        Kind.PARENT,
        "full",  # it may be a secret item, and a wire is redacted without reading any other row
        label=_("Part of"),
        kept_in="parent_id",
        about="A work item of the same calendar.",
    ),
    Field(
        "assignees",
        Kind.PEOPLE,
        "shared",
        neutral=[],
        label=_("People"),
        kept_in="assignee_keys",
        about="Ids of members of the calendar.",
    ),
    Field("description", Kind.LINES, "public", neutral="", label=_("Description"), limit="MAX_DESCRIPTION_LENGTH"),
    Field("location", Kind.LINE, "public", neutral="", label=_("Place"), limit="MAX_LOCATION_LENGTH"),
    Field("tags", Kind.TAGS, "public", neutral=[], label=_("Tags"), about="Short texts without commas."),
    Field("rrule", Kind.TEXT, "busy", settable=False),
    Field("exdates", Kind.TEXTS, "busy", neutral=[], settable=False),
    Field("seriesId", Kind.ID, "public", settable=False, kept_in="series_id"),
    Field("recurrenceId", Kind.TEXT, "public", settable=False),
    Field(
        "url",
        Kind.LINK,
        "public",
        label=_("Link"),
        about="An http or https address.",
        examples=("https://example.org/",),
    ),
    Field("createdBy", Kind.USER, "shared", settable=False, kept_in="created_by_id"),
    Field("updatedBy", Kind.USER, "shared", settable=False, kept_in="updated_by_id"),
)

# What the calendar's own row says of an item, never a source.
PLACE: Final = ("id", "calendar", "state")
# The event object of a source that has nothing to say, as versions of before write it: with null for what is absent.
NEUTRAL: Final[dict[str, object]] = {field.name: field.neutral for field in FIELDS}
SETTABLE: Final = tuple(field for field in FIELDS if field.settable)
