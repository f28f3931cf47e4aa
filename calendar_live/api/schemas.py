"""Defines the schemas of API requests and answers, from which the OpenAPI document is made.

Bodies with unknown fields are rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar
from uuid import UUID

from ninja import Field, Schema
from pydantic import ConfigDict, FailFast, create_model
from pydantic.alias_generators import to_camel

from ..errors import Fault, Invalid
from ..protocol.fields import SETTABLE, Kind
from ..reading.grant import Offer
from ..schedule.ranges import NotATime, date_to_instant, parse_date, parse_instant
from ..services.items.fields import defaults

_V = TypeVar("_V")


class _Strict(Schema):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=False)


def _declared() -> dict[str, Any]:
    """Return the fields of a work item that a client may set, as definitions for pydantic."""
    fresh = defaults()
    defined: dict[str, Any] = {}
    for field in SETTABLE:
        type_ = _TYPES.get(field.kind, str)
        default = None if field.may_be_null else fresh.get(field.column, "")
        told = Field(default, description=field.about or None, examples=list(field.examples) or None)
        defined[field.key] = (type_ | None if field.may_be_null else type_, told)
    return defined


_TYPES: Final[Mapping[Kind, Any]] = {Kind.FLAG: bool, Kind.PERCENT: int, Kind.PEOPLE: list[str], Kind.TAGS: list[str]}
if TYPE_CHECKING:
    _Declared = _Strict
else:
    _Declared = create_model("_Declared", __base__=_Strict, **_declared())


class ItemFields(_Declared):
    """The fields of a work item that a client may set.

    `start` and `end` are date-times with an offset, or dates if the item is all-day.
    """

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent, under their column names. Raises Invalid if a time cannot be read."""
        given = self.model_dump(exclude_unset=True)
        read = _parse_midnight if given.get("all_day") else parse_instant
        values: dict[str, Any] = {}
        faults: dict[str, list[Fault]] = {}
        for field in SETTABLE:
            if field.key in given:
                value = given[field.key]
                try:
                    values[field.column] = read(value) if field.kind is Kind.TIME else value
                except NotATime as bad:
                    faults[field.name] = [bad.fault]
        if faults:
            raise Invalid(fields=faults)
        return values


def _parse_midnight(text: str) -> datetime:
    return date_to_instant(parse_date(text))


class CalendarFields(_Strict):
    """The fields of a calendar that a client may set."""

    name: str = Field("", description="At most 120 characters.")
    color: str = Field("#2563eb", description="#rrggbb")
    time_zone: str = Field("UTC", description="An IANA time zone.")

    def given(self) -> dict[str, str]:
        """Return the fields that were sent, under their column names."""
        return self.model_dump(exclude_unset=True)


class LinkFields(_Strict):
    """The fields of a public link that an owner may set."""

    name: str = Field("", description="At most 120 characters; for the owners alone.")
    shows: str = Field("", description="full: as viewers see it, without people; freebusy: busy blocks only")
    expires_at: str | None = Field(None, description="When it ends: a date-time with offset; null: never.")
    frame_origins: list[str] = Field(
        default=[], description="Whose pages may frame the widget.", examples=[["https://www.example.org"]]
    )

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent, under their column names. Raises Invalid if the time cannot be read."""
        values = self.model_dump(exclude_unset=True)
        if values.get("expires_at") is not None:
            try:
                values["expires_at"] = parse_instant(values["expires_at"])
            except NotATime as bad:
                raise Invalid(fields={"expiresAt": [bad.fault]}) from bad
        return values


class FeedQuery(Schema):
    """The parameters of a feed."""

    start: str = Field(..., description="ISO 8601 date-time, or a date (its midnight in UTC). Inclusive.")
    end: str = Field(..., description="As start. Exclusive.")
    work_type: list[str] = Field(default=[], description="Repeatable, or separated by commas.")
    status: list[str] = Field(default=[], description="Repeatable, or separated by commas.")
    tag: list[str] = Field(
        default=[], description="Repeatable, or separated by commas; upper and lower case are the same."
    )
    expand: bool = Field(True, description="false: series with their rule; true: their occurrences.")
    min_revision: int = Field(0, ge=0, lt=10**18, description="Never answer from an older revision than this.")
    time_zone: str = Field(
        "",
        alias="timeZone",
        description="Where times without an offset are read, as stock FullCalendar sends them: an IANA time zone.",
    )
    buster: str = Field("", alias="_", description="Accepted from old clients, and ignored.")

    @classmethod
    def names(cls) -> set[str]:
        """Return the names of the parameters, as they are written in a URL."""
        return {field.alias or name for name, field in cls.model_fields.items()}


class AllFeedsQuery(FeedQuery):
    calendar: list[str] = Field(default=[], description="Repeatable; without it, every calendar one may see.")


def _keys(texts: Iterable[str], field: str) -> list[UUID]:
    try:
        return [UUID(one) for one in texts]
    except ValueError as error:
        raise Invalid(fields={field: [Fault("not_item_ids")]}) from error


def _by_key(values: Mapping[str, _V], field: str) -> dict[UUID, _V]:
    keyed = dict(zip(_keys(values, field), values.values(), strict=True))
    if len(keyed) < len(values):
        raise Invalid(fields={field: [Fault("named_twice")]})
    return keyed


class BulkItems(_Strict):
    """Work items of one calendar."""

    ids: Annotated[list[str], FailFast()]

    def keys(self) -> list[UUID]:
        """Return the ids. Raises Invalid."""
        return _keys(self.ids, "ids")


class _Expecting(_Strict):
    states: dict[str, str] = Field(
        default={}, description="The state that a work item must be at, by its id: what If-Match is to one."
    )

    def expected_states(self) -> dict[UUID, str]:
        """Return the states by the id of their work item. Raises Invalid."""
        return _by_key(self.states, "states")


class BulkDelete(BulkItems, _Expecting):
    pass


class BulkEdit(_Expecting):
    changes: dict[str, ItemFields] = Field(..., description="The fields to set, by the id of the work item.")

    def given(self) -> dict[UUID, dict[str, Any]]:
        """Return the fields that were sent for each work item, by its id. Raises Invalid."""
        found: dict[UUID, dict[str, Any]] = {}
        for key, fields in _by_key(self.changes, "changes").items():
            with Invalid.below(f"changes.{key}"):
                found[key] = fields.given()
        return found


class BulkRestore(BulkItems):
    state: str = Field(..., description="The state of the deletion to undo.")


class MoveTo(_Strict):
    calendar: UUID = Field(..., description="The calendar to move to.", strict=False)


class FramesIn(_Strict):
    """One request of an exchange of frames."""

    wait: float = Field(0, ge=0, description="Seconds to wait for news; 0: answer at once.")
    known: dict[str, str] | None = Field(None, description="As the last answer said; null in the first request.")
    frames: Annotated[list[dict[str, Any]], FailFast()] = Field(
        ..., description="`subscribe` frames: where the client stands in each calendar."
    )


class CalendarOrder(_Strict):
    """Your own order of your calendars."""

    ids: Annotated[list[str], FailFast()]

    def keys(self) -> list[UUID]:
        """Return the ids. Raises Invalid."""
        try:
            return [UUID(one) for one in self.ids]
        except ValueError as error:
            raise Invalid(fields={"ids": [Fault("not_calendar_ids")]}) from error


class DeletedCalendarOut(Schema):
    """A calendar that you can restore until the instant `until`."""

    id: str
    name: str
    color: str
    deletedAt: str
    until: str


RoleName = Literal["owner", "editor", "viewer", "freebusy"]


class ShareWith(_Strict):
    """The person to share a calendar with, and their role."""

    to: str = Field(..., description="A user name, or an e-mail address if it has an `@` in it.")
    role: RoleName


class RoleIn(_Strict):
    role: RoleName


class TransferTo(_Strict):
    to: str = Field(..., description="The id of a member.")


class OfferAnswer(_Strict):
    accept: bool = Field(..., description="Be an owner; false: stay what one is.")


class MemberUser(Schema):
    id: str
    name: str
    username: str
    email: str | None = Field(None, description="For owners only; else it is not there.")


class MemberOut(Schema):
    user: MemberUser
    role: RoleName
    you: bool
    offer: Offer | None = Field(description="For the owners and for themselves; else null.")


class InvitationOut(Schema):
    """An open invitation. If `mailed` is false, its mail could not be sent, or has not been sent yet."""

    id: str
    email: str
    role: RoleName
    invitedBy: str | None
    createdAt: str
    expiresAt: str
    mailed: bool


class SharedOut(Schema):
    """Either a member or an invitation. The other one is null."""

    member: MemberOut | None
    invitation: InvitationOut | None


class LinkOut(Schema):
    """A public link as the calendar's owners see it."""

    id: str
    name: str
    shows: str
    url: str
    embedUrl: str
    frameOrigins: list[str]
    createdAt: str
    expiresAt: str | None
