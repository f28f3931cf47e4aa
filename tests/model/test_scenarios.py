"""Tests the scenarios that other tests replay.

Each is as the model writes it, ends in a true view, and differs without the rule that it tests.
"""

from __future__ import annotations

import pytest

from tests.model.intents import FOLDER, SCENARIOS, text_of
from tests.model.rules import Rules


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_scenario_is_as_the_model_writes_it(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text() == text_of(name), "write it again: python -m tests.model.intents"


def test_no_file_is_left_of_a_scenario_that_is_gone() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(SCENARIOS)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_scenario_ends_in_a_view_of_what_is(name: str) -> None:
    script = SCENARIOS[name][1]()
    for calendar in sorted(script.shown):
        script.check(calendar)


# With a rule taken out, the model writes a different scenario.
@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("a-feed-asked-before-a-deletion-arrives-after-it", "tombstones"),
        ("a-feed-of-before-a-creation-does-not-take-it-away", "missing_only_older"),
        ("a-feed-ahead-of-the-cursor-waits-for-it", "feed_waits"),
        ("a-row-that-a-feed-lacks-is-hidden-and-stays-hidden", "missing_hidden"),
        ("a-row-that-a-feed-lacks-is-hidden-and-stays-hidden", "hidden_keeps_revision"),
        ("a-set-cut-in-its-middle-leaves-nothing", "chunks_all_or_none"),
        ("a-lost-change-set-is-asked-for-when-the-next-one-comes", "changes_chain"),
        ("a-change-of-another-history-is-not-applied", "fork_asks"),
        ("a-lost-last-change-is-found-by-the-heartbeat", "head_asks"),
        ("a-head-before-the-first-answer-sets-no-cursor", "head_needs_cursor head_waits_for_pending"),
        ("what-was-hidden-meanwhile-is-not-told-as-it-was", "replay_as_now"),
        ("sets-that-are-only-true-together-leave-nothing-when-they-are-cut", "groups_whole"),
        ("chunks-from-before-a-reset-are-forgotten", "cut_drops_chunks pair_drops_chunks reset_forgets_chunks"),
        ("an-answer-to-an-earlier-subscribe-does-not-count", "last_id_counts"),
        ("an-answer-to-a-subscribe-from-below-the-cursor-ends-no-overlay", "subscribed_below_asks"),
        ("an-answered-deletion-never-flickers", "overlay_until_reached"),
        ("an-answer-older-than-the-generation-ends-its-overlay", "overlay_asks"),
        ("the-old-picture-does-not-keep-what-is-deleted-meanwhile", "old_picture_obeys"),
    ],
)
def test_a_scenario_differs_without_the_rule_it_is_about(
    name: str, without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.model.script.ALL", Rules(**dict.fromkeys(without.split(), False)))
    assert text_of(name) != (FOLDER / f"{name}.json").read_text()
