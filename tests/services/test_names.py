"""Tests which names calendars and public links may have, and how a refusal is worded."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from calendar_live import wording
from calendar_live.errors import Invalid
from calendar_live.models import Calendar
from calendar_live.services.calendars import create_calendar, edit_calendar
from calendar_live.services.sharing import create_link

pytestmark = pytest.mark.django_db

NO_TEXT = "Contains characters that cannot be saved."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "Enter a name."),
        (" \n ", "Enter a name."),
        ("x" * 121, "Must be at most 120 characters long."),
        ("a\x00b", NO_TEXT),
        ("a\ud800b", NO_TEXT),
    ],
    ids=["empty", "blank", "too long", "zero byte", "half a character"],
)
def test_a_name_that_is_none_is_refused_in_plain_words(team: Calendar, ana: User, name: str, reason: str) -> None:
    """Seen failing with one message for both lengths, and with half characters, which no database accepts."""
    for act in (
        lambda: create_calendar(name, actor=ana),
        lambda: edit_calendar(team.pk, actor=ana, changes={"name": name}),
        lambda: create_link(team.pk, actor=ana, values={"name": name, "shows": "full"}),
    ):
        with pytest.raises(Invalid) as refused:
            act()
        assert wording.fields(refused.value) == {"name": [reason]}


def test_a_name_may_be_as_long_as_is_said(ana: User) -> None:
    assert create_calendar(f" {'x' * 120} ", actor=ana).name == "x" * 120
