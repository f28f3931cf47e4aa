"""Scenarios in which feeds race with frames (C1, C2, C5)."""

from __future__ import annotations

from tests.model.intents.register import FAR, MIDDLE, NEAR, Script, live, scenario
from tests.model.values import Changes


@scenario("C1, C2, C3, C5, invariant 4")
def a_feed_asked_before_a_deletion_arrives_after_it() -> Script:
    script = live("i1", "i2")
    script.changes(script.write("edit", "i1", span=(5, 8)))
    script.show(NEAR, MIDDLE)
    before = script.head_of()
    script.changes(script.write("delete", "i1"))
    script.feed(MIDDLE, at=before)
    return script


@scenario("C2, C5, invariant 4")
def a_feed_of_before_a_creation_does_not_take_it_away() -> Script:
    script = live("i1")
    script.show(FAR)
    script.show(NEAR, FAR)
    before = script.head_of()
    script.changes(script.write("create", "i2"))
    script.feed(NEAR, at=before)
    return script


@scenario("C4, C5, invariant 6")
def a_feed_of_lost_history_that_waits_is_asked_again() -> Script:
    script = live("i1")
    backup = script.back_up()
    lost = script.write("create", "i2")
    script.show(NEAR, FAR)
    script.feed(FAR, at=lost)
    script.put_back(backup)
    script.timer("gap")
    script.subscribed()
    script.timer("retry")
    script.feed(FAR)
    return script


@scenario("C5, invariant 3")
def a_feed_ahead_of_the_cursor_waits_for_it() -> Script:
    script = live("i1", "i2")
    script.show(NEAR, FAR)
    gone, back = script.write("delete", "i1"), script.write("create", "i3", span=(13, 14))
    script.feed(FAR)
    script.changes(gone)
    script.changes(back)
    return script


@scenario("C1, C5, C7")
def a_late_feed_of_an_older_generation_is_ignored() -> Script:
    script = live("i1")
    script.show(NEAR, FAR)
    before = script.head_of()
    script.write("create", "i2", span=(13, 14))
    script.write("delete", "i1")
    script.reset("bulk")
    script.timer("reset")
    script.subscribed()
    script.feed(FAR, number=1, at=before)
    script.feed(NEAR)
    script.feed(FAR)
    return script


@scenario("C5, C7, invariant 6")
def a_feed_of_another_history_is_asked_again() -> Script:
    script = live("i1")
    backup = script.back_up()
    lost = script.write("create", "i2")
    script.put_back(backup)
    script.write("create", "i3")
    script.reset("diverged")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR, at=lost)
    script.timer("retry")
    script.feed(NEAR)
    return script


@scenario("C5, range rule")
def an_item_moves_between_overlapping_ranges() -> Script:
    script = live("i1", ranges=(NEAR,))
    script.show(NEAR, MIDDLE)
    before = script.head_of()
    script.changes(script.write("edit", "i1", span=(11, 12)))
    script.feed(MIDDLE, at=before)
    script.changes(script.write("edit", "i1", span=(6, 6)))
    script.changes(script.write("edit", "i1", span=(20, 21)))
    return script


@scenario("C5: its last clause, needed when a hub said too little")
def a_row_that_a_feed_lacks_is_hidden_and_stays_hidden() -> Script:
    script = live("i1", "i2")
    script.show(NEAR, MIDDLE)
    script.changes(script.write("edit", "i1", span=(5, 8)))
    before = script.head_of()
    deleted = script.write("delete", "i1")
    script.frame(Changes("a", before, deleted, more=False, upserted=(), destroyed=()))
    script.show(MIDDLE)
    script.show(NEAR, MIDDLE)
    script.feed(NEAR)
    script.feed(MIDDLE, number=1, at=before)
    return script
