"""Scenarios in which a user deletes items, and the store does not have the deletion yet (C8)."""

from __future__ import annotations

from tests.model.intents.register import NEAR, Script, live, scenario


@scenario("C8, invariant 4")
def an_answered_deletion_never_flickers() -> Script:
    script = live("i1", "i2")
    script.delete("i1")
    deleted = script.write_as("ana", "delete", "i1")
    script.answered("i1", deleted)
    script.changes(deleted)
    script.changes(script.write("restore", "i1"))
    return script


@scenario("C8")
def a_refused_deletion_shows_the_item_again() -> Script:
    script = live("i1")
    script.delete("i1")
    script.changes(script.write("edit", "i1", span=(5, 6)))
    script.answered("i1", None)
    return script


@scenario("C8")
def an_answer_older_than_the_generation_ends_its_overlay() -> Script:
    script = live("i1")
    script.delete("i1")
    deleted = script.write_as("ana", "delete", "i1")
    restored = script.write("restore", "i1")
    script.reset("bulk")
    script.timer("reset")
    script.subscribed(at=restored)
    script.feed(NEAR)
    script.answered("i1", deleted)
    script.timer("gap")
    script.subscribed()
    return script


@scenario("C8, invariant 4, invariant 6")
def an_answer_of_a_newer_history_keeps_the_item_hidden_in_the_old_one() -> Script:
    script = live("i1")
    backup = script.back_up()
    for item in ("i2", "i3", "i4"):
        script.changes(script.write("create", item))
    script.put_back(backup)
    script.delete("i1")
    deleted = script.write_as("ana", "delete", "i1")
    script.answered("i1", deleted)
    script.reset("diverged")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR)
    return script


@scenario("C8, invariant 6")
def an_answer_of_a_lost_history_ends_its_overlay() -> Script:
    script = live("i1")
    backup = script.back_up()
    script.delete("i1")
    script.write("create", "i2")
    deleted = script.write_as("ana", "delete", "i1")
    script.put_back(backup)
    script.reset("diverged")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR)
    script.answered("i1", deleted)
    script.timer("gap")
    script.subscribed()
    return script


@scenario("C4, C8, invariant 4")
def an_answer_to_a_subscribe_from_below_the_cursor_ends_no_overlay() -> Script:
    script = live("i1")
    backup = script.back_up()
    script.delete("i1")
    created, deleted = script.write("create", "i2"), script.write_as("ana", "delete", "i1")
    script.answered("i1", deleted)
    script.timer("gap")
    script.changes(created)
    script.put_back(backup)
    script.subscribed()
    script.reset("diverged")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR)
    return script
