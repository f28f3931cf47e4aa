"""Scenarios in which pushed frames are lost, late, repeated, cut off or of another history (C3, C4, C6)."""

from __future__ import annotations

from tests.model.intents.register import NEAR, Script, live, scenario


@scenario("C3")
def a_lost_change_set_is_asked_for_when_the_next_one_comes() -> Script:
    script = live("i1")
    lost = script.write("create", "i2")
    after = script.write("delete", "i1")
    script.changes(after)
    script.timer("gap")
    script.changes(lost)
    script.changes(after)
    script.subscribed()
    return script


@scenario("C3")
def change_sets_in_the_wrong_order_are_put_right_without_asking() -> Script:
    script = live("i1")
    first, second = script.write("edit", "i1", span=(5, 6)), script.write("delete", "i1")
    script.changes(second)
    script.changes(first)
    script.timer("gap")
    return script


@scenario("C3, invariant 8")
def a_repeated_change_set_changes_nothing() -> Script:
    script = live("i1")
    first = script.write("edit", "i1", span=(5, 6))
    second = script.write("delete", "i1")
    script.changes(first)
    script.changes(second)
    script.changes(first)
    script.changes(second)
    return script


@scenario("C3, invariant 6")
def a_change_of_another_history_is_not_applied() -> Script:
    script = live("i1")
    backup = script.back_up()
    script.changes(script.write("create", "i2"))
    script.put_back(backup)
    other = script.write("create", "i3")
    script.write("create", "i4")
    script.changes(other)
    script.changes(script.head_of())
    script.reset("diverged")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR)
    return script


@scenario("C3, S4")
def a_set_cut_in_its_middle_leaves_nothing() -> Script:
    script = live("i1")
    many = script.write("create", "i2", "i3", "i4", "i5")
    script.changes(many, chunks=slice(0, 1))
    script.close()
    script.open()
    script.changes(many)
    script.subscribed()
    return script


@scenario("S3, invariant 7")
def what_was_hidden_meanwhile_is_not_told_as_it_was() -> Script:
    script = live("i1", script=Script(access="shared"))
    script.close()
    shown = script.write("create", "i2", span=(3, 5))
    between = script.write("edit", "i1", span=(5, 6))
    hidden = script.set_visibility("i2", "secret")
    after = script.write("create", "i3")
    script.open()
    script.replay(shown, between, hidden, after)
    script.subscribed()
    return script


@scenario("C3, S3, invariant 6")
def sets_that_are_only_true_together_leave_nothing_when_they_are_cut() -> Script:
    script = live("i1")
    script.close()
    first = script.write("edit", "i1", span=(5, 6))
    second = script.write("create", "i2")
    backup = script.back_up()
    lost = script.write("edit", "i1", span=(7, 8))
    script.open()
    script.replay(first, second, lost, first=2)
    script.close()
    script.put_back(backup)
    script.open()
    script.replay(first, second)
    script.subscribed()
    return script


@scenario("C3, C7, S4")
def chunks_from_before_a_reset_are_forgotten() -> Script:
    script = live("i1")
    many = script.write("create", "i2", "i3", "i4")
    script.changes(many, chunks=slice(0, 1))
    script.close()
    script.write("delete", "i2")
    script.open()
    script.reset("pruned")
    script.timer("reset")
    script.subscribed()
    script.changes(script.write("edit", "i3", span=(6, 7)))
    script.feed(NEAR)
    return script


@scenario("C3")
def a_change_before_the_first_answer_is_dropped() -> Script:
    script = Script()
    first = script.write("create", "i1")
    script.show(NEAR)
    script.open()
    script.changes(first)
    script.subscribed()
    script.feed(NEAR)
    return script


@scenario("C4")
def an_answer_to_an_earlier_subscribe_does_not_count() -> Script:
    script = live("i1")
    script.close()
    script.open()
    script.reset("bulk")
    script.timer("reset")
    old = script.head_of()
    script.write("create", "i2")
    script.subscribed(number=script.subscribes["a"] - 1, at=old)
    script.subscribed()
    script.feed(NEAR)
    return script


@scenario("C4")
def a_higher_answer_than_the_cursor_makes_the_client_ask_again() -> Script:
    script = live("i1")
    script.close()
    script.open()
    missed = script.write("create", "i2")
    script.subscribed()
    script.changes(missed)
    script.subscribed()
    return script


@scenario("C6")
def a_lost_last_change_is_found_by_the_heartbeat() -> Script:
    script = live("i1")
    lost = script.write("delete", "i1")
    script.head()
    script.changes(lost)
    script.subscribed()
    script.head()
    return script


@scenario("C6")
def a_head_before_the_first_answer_sets_no_cursor() -> Script:
    script = Script()
    script.write("create", "i1")
    script.show(NEAR)
    script.open()
    script.head()
    script.subscribed()
    script.feed(NEAR)
    return script


@scenario("C2: keyed by (calendar, id)")
def an_item_that_moves_to_another_calendar_is_never_lost() -> Script:
    script = live("i1", calendars=("a", "b"))
    left = script.write("move", "i1", target="b")
    script.changes(script.head_of("b"), calendar="b")
    script.changes(left)
    script.changes(left)
    return script
