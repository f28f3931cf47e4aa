"""Declares each field of an event object once, in order. Model, log, API, form and redaction read them here.

To add a field, add its entry and its column. An entry describes one field. Modules that read the entries decide for
each kind of field what form it must have on the wire (wires.py), what people may give (services/items/fields.py), what
type it has in the API (api/schemas.py), and how the dialog asks for it (pages/forms.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Literal

# The lowest rights that read a field as it is. Receivers below them read its neutral value. A busy block has only the
# fields of "busy".
Reader = Literal["busy", "public", "shared", "full"]


class Kind(Enum):
    """What kind of value a field has."""

    ID = auto()  # the UUID of a row
    TIME = auto()  # an instant, or a date when the item is all-day
    FLAG = auto()
    ZONE = auto()  # the name of a time zone
    LINE = auto()
    LINES = auto()  # text of several lines
    WORD = auto()  # one of a few words
    PERCENT = auto()
    COLOR = auto()
    PARENT = auto()  # the id of another work item
    USER = auto()
    PEOPLE = auto()  # ids of users
    LINK = auto()  # the address of a page
    TAGS = auto()
    TEXT = auto()  # read only by programs
    TEXTS = auto()


def gettext_noop(text: str) -> str:
    """Mark a label for the translators. The code that shows the label translates it."""
    return text


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the event object.

    `neutral`: its value if a source gives none, and for receivers below `read_by`; None means that it is then absent.
    `settable`: a client may give it. `required`: a client must give it for a new item. `limit`: the setting that limits
    its length. `in_span`: the field and others together say when the item is, and are kept or discarded together.
    """

    name: str
    kind: Kind
    read_by: Reader
    neutral: object = None
    label: str = ""
    settable: bool = True
    required: bool = False
    limit: str = ""
    # The only values that are allowed. In other fields of the kind WORD, a source may have words of its own.
    words: tuple[str, ...] = ()
    in_span: bool = False
    # The attribute of a work item that holds it. If empty, the attribute has the field's name in Python's spelling.
    kept_in: str = ""
    # For readers of the API's description.
    about: str = ""
    examples: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name in Python's spelling, which forms use as well: `work_type` for `workType`."""
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

# The fields that come from the live row itself, never from a source.
PLACE: Final = ("id", "calendar", "state")
# The event object of a source that gives no field, as versions before protocol 2 wrote it: absent fields are null.
NEUTRAL: Final[dict[str, object]] = {field.name: field.neutral for field in FIELDS}
SETTABLE: Final = tuple(field for field in FIELDS if field.settable)
