"""Tests when a grant is over, and which changes of a calendar give it another version."""

from __future__ import annotations

from typing import Any

import pytest

from calendar_live.access.receivers import Receiver
from calendar_live.reading.grant import CalendarView, Grant

USER, LINK = Receiver("user", "1"), Receiver("link", "2")
VIEW: CalendarView = {
    "id": "c",
    "name": "Team",
    "color": "#123456",
    "timeZone": "UTC",
    "position": 0,
    "role": "viewer",
    "rights": "shared",
    "access": "shared.1",
    "state": "0.0123456789abcdef",
    "people": [],
    "sharing": None,
    "offer": None,
}


@pytest.mark.parametrize(
    ("receiver", "calendars", "is_over"),
    [(USER, {}, False), (USER, {"c": VIEW}, False), (LINK, {"c": VIEW}, False), (LINK, {}, True)],
    ids=["a user of none", "a user", "a link", "a link of none"],
)
def test_a_grant_is_over_when_it_is_a_link_that_shows_nothing(
    receiver: Receiver, calendars: dict[str, CalendarView], is_over: bool
) -> None:
    """Seen failing when a user without calendars counts as over, and when a link never does."""
    assert Grant(receiver, calendars).is_over is is_over


@pytest.mark.parametrize("name", sorted(VIEW.keys() - {"state"}))
def test_a_calendar_has_another_version_when_anything_of_its_view_changes(name: str) -> None:
    """Seen failing when a version depends on the access token alone."""
    changed: Any = VIEW | {name: "another"}
    assert Grant(USER, {"c": changed}).versions() != Grant(USER, {"c": VIEW}).versions()


def test_a_calendar_keeps_its_version_when_only_its_state_changes() -> None:
    """Other frames carry the state. Seen failing with the state in the version: each change would resend the view."""
    moved: Any = VIEW | {"state": "1.0123456789abcdef"}
    assert Grant(USER, {"c": moved}).versions() == Grant(USER, {"c": VIEW}).versions()
