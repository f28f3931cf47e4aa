"""Lists the ablations: each takes out a rule, alone or with the rules that mask it.

It also lists the clauses that the model cannot show, with the tests that show them instead.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.model.rules import Rules
from tests.model.search import violation_of
from tests.model.walk import steps_of

KNOWN_BAD: Final = Path(__file__).parent / "known_bad.json"

# Rule -> the switches to take out. Several switches mask each other, so only taking out all of them does harm.
ABLATIONS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "S1": (
        ("preconditions_under_lock",),
        ("refused_leaves_revision",),
        ("first_log_row",),
        ("whole_sets",),
        ("if_match",),
    ),
    "S2": (
        ("hub_reads_what_is_missing",),
        ("hub_drops_behind",),
        ("hub_sends_once", "behind_is_dropped"),
        ("look",),
        ("look_compares_nonce",),
        ("hub_resets_other_history",),
    ),
    "invariant 7": (("encoded_by_rights",),),
    "S3": (
        ("verify_nonce",),
        ("verify_kept",),
        ("answers_in_order",),
        ("register_before_authorising",),
        ("register_first",),
        ("hub_brought_up", "feed_waits"),
        ("replay_brings_hub_up",),
        ("waits_during_replay",),
        ("replay_as_now",),
        ("groups_marked",),
        ("access_verified",),
        ("silent_after_reset", "changes_need_cursor"),
    ),
    "S4": (("chunks_say_more",), ("hidden_sets_sent",)),
    "S5": (
        ("reset_on_rights",),
        ("access_has_version", "reset_on_rights"),
        ("grants_told_again",),
        ("becoming_secret_told",),
    ),
    "S6": (("undo_needs_its_deletion",),),
    "invariant 2 and the cache": (
        ("one_statement",),
        ("one_statement", "state_before_rows"),
        ("cache_key_has_state",),
        ("cache_key_has_nonce",),
        ("cache_key_has_rights",),
    ),
    "invariant 8": (("idempotency",),),
    "C1": (("subscribe_first", "feed_in_chain"), ("min_revision",), ("generations", "feed_in_chain")),
    "C2": (("keyed_by_calendar",), ("tombstones",), ("graves_outlive_feeds",), ("answers_stay_out_of_store",)),
    "C3": (
        ("chunks_all_or_none",),
        ("groups_whole",),
        ("changes_need_cursor",),
        ("changes_chain",),
        ("ahead_asks", "head_asks"),
        ("behind_is_dropped",),
    ),
    "C4": (
        ("subscribed_checks_access", "access_verified"),
        ("subscribed_never_moves",),
        ("subscribed_asks_again", "head_asks"),
        ("waiting_feeds_dropped",),
    ),
    "C5": (
        ("feed_checks_access",),
        ("feed_in_chain",),
        ("feed_waits",),
        ("waiting_asks",),
        ("feed_row_guard",),
        ("missing_only_older",),
    ),
    "C6": (("head_asks",), ("head_sets_nothing",)),
    "C7": (
        ("reset_forgets_store",),
        ("reset_forgets_cursor",),
        ("reset_forgets_etags",),
        ("old_picture_stays",),
        ("old_picture_goes_with_rights",),
        ("old_picture_obeys",),
    ),
    "C8": (
        ("overlay_until_reached",),
        ("overlay_ends_by_subscribe",),
        ("overlay_asks",),
        ("refused_overlay_goes",),
        ("lost_answers_retried",),
        ("one_in_flight",),
    ),
    "C9": (("filtered_stay_out",),),
    "C11": (("dead_sockets_found",),),
}

_LIVE = "tests/live/"
_CORE = "frontend/tests/core/"
_CLIENT = "frontend/tests/client/"
_SCENARIO = "tests/model/test_scenarios.py::"

# Clauses that no random run shows: the rule, the switch (or none), the reason, and the test that shows it instead.
UNSAID: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        "S1",
        "",
        "the model's transactions are atomic",
        "tests/changelog/test_concurrency.py::test_concurrent_writers_leave_a_chain_without_gaps_in_commit_order",
    ),
    (
        "S3",
        "",
        "the model replays any number of sets",
        _LIVE + "test_hub_subscribing.py::test_a_page_too_far_behind_is_reset",
    ),
    (
        "S3",
        "reset_voids_pending",
        "costs a second reset only",
        _LIVE + "test_hub_races.py::test_a_page_reset_while_it_is_replayed_is_reset_once_and_stays_silent",
    ),
    (
        "S4",
        "",
        "the model has no bytes",
        _LIVE + "test_hub_deliveries.py::test_a_set_too_large_to_broadcast_is_read_from_the_log_and_pushed_in_chunks",
    ),
    (
        "S4",
        "",
        "a set that is not bulk would do no harm in the model",
        _LIVE
        + "test_hub_deliveries.py::test_a_bulk_change_is_a_reset_for_everyone_on_the_calendar_and_nothing_for_others",
    ),
    (
        "S5",
        "replay_by_rights_of_now",
        "masked by the check of `access` in the subscribe",
        _LIVE + "test_hub_subscribing.py::test_a_replay_is_redacted_by_the_rights_of_now",
    ),
    (
        "C3",
        "ahead_is_held",
        "saves a subscribe only",
        _CORE + "rules-chain.test.ts::ahead_is_held_250_ms_and_then_asked_for",
    ),
    (
        "C3",
        "change_row_guard",
        "follows from the chain and from feeds that wait",
        _CORE + "rules-feeds.test.ts::row_is_taken_only_above_the_known_revision",
    ),
    ("C3", "fork_asks", "masked by the hub's reset", _CORE + "rules-chain.test.ts::makes the client ask"),
    (
        "C3",
        "cut_drops_chunks",
        "masked by the comparison of the two states",
        _CORE + "rules-chain.test.ts::cut_in_its_middle_leaves_nothing",
    ),
    (
        "C3",
        "pair_drops_chunks",
        "masked by what a cut connection and a reset forget",
        _SCENARIO + "chunks-from-before-a-reset-are-forgotten",
    ),
    ("C7", "reset_forgets_chunks", "masked as above", _SCENARIO + "chunks-from-before-a-reset-are-forgotten"),
    (
        "C4",
        "last_id_counts",
        "a reset voids pending subscribes, so an old answer is rare",
        _CORE + "rules-chain.test.ts::counts_only_for_the_last_id",
    ),
    (
        "C4",
        "subscribed_below_asks",
        "rarer than one run in 40,000",
        _SCENARIO + "an-answer-to-a-subscribe-from-below-the-cursor-ends-no-overlay",
    ),
    (
        "C5",
        "missing_hidden",
        "follows from the chain: a second line",
        _SCENARIO + "a-row-that-a-feed-lacks-is-hidden-and-stays-hidden",
    ),
    (
        "C5",
        "hidden_keeps_revision",
        "follows from the chain: a second line",
        _SCENARIO + "a-row-that-a-feed-lacks-is-hidden-and-stays-hidden",
    ),
    (
        "C4",
        "",
        "no subscribe of the model is swallowed",
        _CORE + "rules-chain.test.ts::that_never_comes_is_asked_for_again_after_15_seconds",
    ),
    ("C6", "head_needs_cursor", "a subscribe too many only", _CORE + "rules-feeds.test.ts::without a cursor"),
    (
        "C6",
        "head_waits_for_pending",
        "a subscribe too many only",
        _CORE + "rules-feeds.test.ts::while a subscribe is pending",
    ),
    (
        "C7",
        "",
        "the model has no clock",
        _CORE + "rules-feeds.test.ts::waits_a_random_part_of_its_spread_then_starts_anew",
    ),
    (
        "C10",
        "",
        "the model has no screen",
        "frontend/tests/fullcalendar/plugin.test.ts::page_holds_what_is_dragged_and_lets_it_go_at_the_drop",
    ),
    (
        "C11",
        "",
        "the model has no clock",
        _CLIENT + "sync/broken-connection.test.ts::client_connects_anew_when_no_pong_comes_in_3_seconds",
    ),
    (
        "invariant 10",
        "",
        "the model has no bytes",
        "tests/live/test_outbox.py::test_what_waits_for_a_slow_reader_is_bounded_and_then_it_is_closed_with_4008",
    ),
)


def without(out: Iterable[str]) -> Rules:
    """Return the rules with the given switches off."""
    return Rules(**dict.fromkeys(out, False))


def shows(seed: int, out: tuple[str, ...]) -> bool:
    """Return whether a run goes wrong without these rules, but goes right as long as any one of them is obeyed."""
    steps = steps_of(seed)
    if violation_of(steps, without(out)) is None:
        return False
    subsets = itertools.chain.from_iterable(itertools.combinations(out, size) for size in range(1, len(out)))
    return all(violation_of(steps, without(some)) is None for some in subsets)


def known_bad(out: tuple[str, ...]) -> list[int]:
    """Return the seeds that a wider search has found for an ablation."""
    seeds: list[int] = json.loads(KNOWN_BAD.read_text()).get("+".join(out), [])
    return seeds


def search(out: tuple[str, ...], seeds: Iterable[int]) -> Iterator[int]:
    """Yield the seeds of runs that go wrong because of an ablation."""
    return (seed for seed in seeds if shows(seed, out))


def every() -> list[tuple[str, tuple[str, ...]]]:
    """Return (rule, switches taken out) for each ablation."""
    return [(rule, out) for rule, outs in ABLATIONS.items() for out in outs]
