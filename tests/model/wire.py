"""Encodes the model's values as the real protocol does: UUIDs, state tokens, event objects and frames as JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tests.model.values import (
    Access,
    Changes,
    FeedAnswer,
    Granted,
    Head,
    Item,
    Refused,
    Reset,
    ServerFrame,
    Span,
    State,
    Subscribed,
    Withdrawn,
)

Json = dict[str, object]

_CALENDARS: Final = {"a": "aaaaaaaa-0000-4000-8000-000000000000", "b": "bbbbbbbb-0000-4000-8000-000000000000"}
_FIRST_HOUR: Final = datetime(2026, 11, 2, tzinfo=UTC)
_BUSY: Final = ("id", "calendar", "state", "start", "end", "allDay", "timeZone", "exdates")
_UNCHANGING: Final[Json] = {
    "workType": "task",
    "status": "not_started",
    "priority": "medium",
    "progress": 0,
    "assignees": [],
    "description": "",
    "location": "",
}


def calendar_id(calendar: str) -> str:
    return _CALENDARS[calendar]


def item_id(item: str) -> str:
    return f"00000000-0000-4000-8000-{int(item[1:]):012d}"


def instant(hour: int) -> str:
    """Return an hour of the model's time line as it is written on the wire."""
    return (_FIRST_HOUR + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")


def span_of(within: Span) -> Json:
    return {"start": instant(within[0]), "end": instant(within[1])}


def state_of(state: State | None) -> str | None:
    return None if state is None else str(state)


def access_of(access: Access | None) -> str | None:
    return None if access is None else str(access)


def event_of(item: Item) -> Json:
    """Return an item's event object, whole or busy."""
    whole: Json = {
        "id": item_id(item.id),
        "calendar": calendar_id(item.calendar),
        "state": str(item.state),
        "title": item.title,
        "start": instant(item.start),
        "end": instant(item.end),
        "allDay": False,
        "timeZone": "UTC",
        "visibility": item.visibility,
        **({} if item.parent is None else {"parent": item_id(item.parent)}),
        "exdates": [],
        **_UNCHANGING,
    }
    return {name: whole[name] for name in _BUSY} | {"title": "Busy", "busy": True} if item.busy else whole


def frame_of(frame: ServerFrame) -> Json:
    """Return a server frame. A subscribe is named by its number, because each client makes its own ids."""
    match frame:
        case Head():
            return {"type": "head", "states": {calendar_id(c): str(state) for c, state in frame.states}}
        case Changes():
            return _changes_of(frame)
        case Reset():
            return {"type": "reset", "calendar": calendar_id(frame.calendar), "reason": frame.reason, "spreadMs": 2000}
        case Withdrawn():
            return {"type": "rights", "calendar": calendar_id(frame.calendar), "rights": None}
        case Granted() | Refused():
            raise ValueError("No scenario needs it.")
        case Subscribed():
            number: Json = {"subscribe": frame.id}
            whole: Json = {"type": "subscribed", "id": number, "calendar": calendar_id(frame.calendar)}
            return whole | {"state": str(frame.state), "access": str(frame.access)}


def _changes_of(frame: Changes) -> Json:
    until: Json = {} if frame.until is None else {"until": str(frame.until)}
    return {
        "type": "changes",
        "calendar": calendar_id(frame.calendar),
        "oldState": str(frame.old),
        "newState": str(frame.new),
        "more": frame.more,
        "upserted": [event_of(item) for item in frame.upserted],
        "destroyed": [item_id(item) for item in frame.destroyed],
        "actor": None,
        "mutationId": None,
        **until,
    }


def feed_of(answer: FeedAnswer) -> Json:
    rows = None if answer.rows is None else [event_of(item) for item in answer.rows]
    return {"state": state_of(answer.state), "access": access_of(answer.access), "rows": rows}
