"""System checks: what would fail later is said at start, each thing under its own id, and of a sound site nothing."""

from __future__ import annotations

from typing import Any

import pytest

from calendar_live.checks import check_settings


def found() -> list[str]:
    return [str(message.id) for message in check_settings(None)]


def test_a_sound_site_is_told_nothing() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"MAX_TITLE": 100}, "E001"),
        ({"MAX_TITLE_LENGTH": "100"}, "E002"),
        ({"MAX_TITLE_LENGTH": True}, "E002"),
        ({"DRAIN_SECONDS": "4"}, "E002"),
        ({"METRICS_TOKEN": None}, "E002"),
        ({"ORIGINS": "https://calendar.example"}, "E002"),
        ({"CACHE": "nowhere"}, "E003"),
        ({"CHANNEL_LAYER": "nowhere"}, "W001"),
    ],
)
def test_what_is_wrong_in_the_settings_is_named(settings: Any, own: dict[str, object], expected: str) -> None:
    """Seen failing with each of the four checks taken out."""
    settings.CALENDAR_LIVE = own
    assert found() == [f"calendar_live.{expected}"]
