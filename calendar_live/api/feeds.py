"""Serves feeds and changes over HTTP: the first picture of every page, and the data of clients without a WebSocket."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from .. import access, changelog, conf
from ..access import Standing
from ..changelog import Since
from ..errors import BadValue, CannotCalculateChanges, Fault, Invalid
from ..live.longpoll import listening
from ..models import Status, WorkType
from ..protocol.changes import latest, seen_by
from ..protocol.frames import Subscribe
from ..protocol.state import State
from ..reading.feed import Feed, read_feed
from ..reading.feed import Query as FeedRange
from ..schedule.ranges import NotATime, Range, parse_moments
from ..services.items.fields import check_tags
from ..serving.asgi import give_back_thread
from .auth import RECEIVERS, credential, receiver
from .http import json_response, matches, may_wait, refuse_unknown_parameters
from .schemas import AllFeedsQuery, FeedQuery

router = Router(tags=["feeds"])


@router.get("/calendars/{uuid:calendar_id}/feed/", auth=RECEIVERS)
def get_feed(request: HttpRequest, calendar_id: UUID, query: Query[FeedQuery]) -> HttpResponse:
    """Return the work items of a time range, as an array of event objects that any FullCalendar can read.

    `Calendar-State` is the state for which the answer is true. The answer is 304 if `If-None-Match` names its ETag, and
    503 while the server has not reached `min_revision`.
    """
    asked = _range_of(request, query)
    feed = read_feed(access.standing(receiver(request), calendar_id), asked)
    headers = {"ETag": feed.etag, "Calendar-State": str(feed.state), "Calendar-Access": feed.access}
    return _answer(request, feed.body, headers)


@router.get("/feed/", auth=RECEIVERS)
def get_all_feeds(request: HttpRequest, query: Query[AllFeedsQuery]) -> HttpResponse:
    """Return the work items of all calendars that you may see, or of the named ones, in one array."""
    asked = _range_of(request, query)
    feeds = [read_feed(standing, asked) for standing in _standings(request, query.calendar)]
    body = b"[" + b",".join(feed.body[1:-1] for feed in feeds if len(feed.body) > len("[]")) + b"]"
    return _answer(request, body, {"ETag": _common_etag(feeds)})


def _standings(request: HttpRequest, wanted: list[str]) -> Iterable[Standing]:
    if not wanted:
        return access.standings(receiver(request))
    try:
        return [access.standing(receiver(request), UUID(calendar)) for calendar in _split(wanted)]
    except ValueError as error:
        raise Invalid(fields={"calendar": [Fault("not_calendar_id")]}) from error


def _common_etag(feeds: list[Feed]) -> str:
    """Return one ETag for several feeds.

    It is a hash, because the joined ETags of a thousand calendars are longer than proxies let pass.
    """
    return f'"{hashlib.sha256("".join(feed.etag for feed in feeds).encode()).hexdigest()}"'


def _answer(request: HttpRequest, body: bytes, headers: dict[str, str]) -> HttpResponse:
    if matches(request, headers["ETag"]):
        return HttpResponse(status=304, headers=headers)
    return json_response(body, headers=headers)


def _range_of(request: HttpRequest, query: FeedQuery) -> FeedRange:
    """Return the range and the filters that were asked for. Raises Invalid, which names each parameter at fault."""
    refuse_unknown_parameters(request, query.names())
    faults: dict[str, list[Fault]] = {}
    bounds = {}
    for name, widest in (("start", 0), ("end", 1)):
        try:
            bounds[name] = parse_moments(getattr(query, name), query.time_zone)[widest]
        except NotATime as bad:
            faults[name] = [bad.fault]
    wanted = {}
    for name, choices in (("work_type", WorkType.values), ("status", Status.values)):
        values = _split(getattr(query, name))
        if any(value not in choices for value in values):
            faults[name] = [Fault("not_among", choices=choices)]
        elif values:
            wanted[name] = values
    try:
        if tags := tuple(check_tags(_split(query.tag))):
            wanted["tag"] = tags
    except BadValue as bad:
        faults["tag"] = [bad.fault]
    if not faults:
        faults = _range_faults(Range(**bounds))
    if faults:
        raise Invalid(fields=faults)
    return FeedRange(Range(**bounds), wanted, query.min_revision)


def _range_faults(within: Range) -> dict[str, list[Fault]]:
    if within.end <= within.start:
        return {"end": [Fault("not_after_start")]}
    if within.days > conf.app.MAX_RANGE_DAYS:
        return {"end": [Fault("range_too_long", limit=conf.app.MAX_RANGE_DAYS)]}
    return {}


def _split(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for value in values for one in value.split(",") if one.strip()))


@router.get("/calendars/{uuid:calendar_id}/changes/", auth=RECEIVERS)
async def get_changes(request: HttpRequest, calendar_id: UUID, since: str, wait: float = 0) -> HttpResponse:
    """Return what changed since a state: `{oldState, newState, hasMore, upserted, destroyed}`.

    With `wait`, the answer comes as soon as something has changed, or after so many seconds. If an item changed several
    times, the answer contains only what it is now. The answer is 410 if the state cannot be verified: then load the
    feed again.
    """
    refuse_unknown_parameters(request, ("since", "wait"))
    if wait > 0 and may_wait(request):
        await _wait_for_changes(request, str(calendar_id), State.parse(since), wait)
    return await sync_to_async(_read_changes)(request, calendar_id, since)


async def _wait_for_changes(request: HttpRequest, calendar: str, since: State, seconds: float) -> None:
    """Wait for so many seconds, or until the answer would tell something new.

    This includes that the caller may no longer see the calendar, or sees it with other rights.
    """
    await give_back_thread()
    async with listening(credential(request)) as poll:
        standing = poll.standing(calendar)
        if standing is not None:
            await poll.ask(Subscribe(id=0, calendar=calendar, state=since, access=standing.access))
            await poll.news(seconds)


def _read_changes(request: HttpRequest, calendar_id: UUID, since: str) -> HttpResponse:
    standing = access.standing(receiver(request), calendar_id)
    found = changelog.read_since(
        standing.calendar,
        State.parse(since),
        max_sets=conf.app.MAX_REPLAY_SETS,
        max_bytes=conf.app.MAX_REPLAY_BYTES,
    )
    body = _folded(State.parse(since), found, standing) | {"hasMore": found.has_more}
    headers = {"Calendar-State": str(body["newState"]), "Calendar-Access": str(standing.access)}
    return json_response(orjson.dumps(body), headers=headers)


def _folded(since: State, found: Since, standing: Standing) -> dict[str, object]:
    """Return change sets folded into one, which contains each item only as it is now.

    Raises CannotCalculateChanges if a change set is too large to send.
    """
    if any(change_set.entries is None for change_set in found.change_sets):
        raise CannotCalculateChanges("bulk")
    words, state = latest(found.change_sets), found.change_sets[-1].new if found.change_sets else since
    if found.has_more:
        for item in changelog.named_after(standing.calendar, state, words):
            words[item] = replace(words[item], wire=None)  # destroyed, until a later part says what it is now
    seen = seen_by(tuple(words.values()), standing.rights)
    return {
        "oldState": str(since),
        "newState": str(state),
        "upserted": [orjson.Fragment(wire) for wire in seen.upserted],
        "destroyed": list(seen.destroyed),
    }
