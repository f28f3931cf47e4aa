"""Scenarios with resets and changed rights (C7, S3, S5)."""

from __future__ import annotations

from tests.model.intents.register import FAR, NEAR, Script, live, scenario


@scenario("C7")
def the_old_picture_stays_until_every_range_is_answered() -> Script:
    script = live("i1", ranges=(NEAR, FAR))
    script.changes(script.write("create", "i2", span=(13, 14)))
    script.write("delete", "i1")
    script.write("create", "i3")
    script.reset("bulk")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR)
    script.feed(FAR)
    return script


@scenario("C7, invariant 4")
def the_old_picture_does_not_keep_what_is_deleted_meanwhile() -> Script:
    script = live("i1", "i2")
    script.reset("bulk")
    script.timer("reset")
    script.subscribed()
    before = script.head_of()
    script.changes(script.write("delete", "i1"))
    script.feed(NEAR, at=before)
    return script


@scenario("C7, S5, invariant 7")
def changed_rights_take_the_picture_away_at_once() -> Script:
    script = live("i1", "i2")
    script.set_visibility("i1", "private")
    script.set_visibility("i2", "secret")
    script.give_rights("shared")
    script.reset("rights")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR)
    return script


@scenario("S5, C5, invariant 7")
def a_feed_of_other_rights_is_asked_again() -> Script:
    script = live("i1")
    script.show(NEAR, FAR)
    script.give_rights("freebusy")
    script.feed(FAR)
    script.reset("rights")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR)
    script.feed(FAR)
    return script


@scenario("S4, S5")
def what_becomes_invisible_goes_and_hidden_changes_keep_the_chain() -> Script:
    script = live("i1", "i2", script=Script(access="shared"))
    script.changes(script.set_visibility("i1", "secret"))
    script.changes(script.write("edit", "i1", span=(5, 6)))
    script.changes(script.set_visibility("i2", "private"))
    script.changes(script.set_visibility("i1", "normal"))
    return script


@scenario("S5, invariant 7")
def a_withdrawn_calendar_shows_nothing_any_more() -> Script:
    script = live("i1")
    script.withdrawn()
    script.changes(script.write("create", "i2"))
    return script


@scenario("S3, invariant 6: as a hub left it that was not brought up to its own replay")
def a_head_behind_the_cursor_makes_the_client_ask() -> Script:
    script = live("i1")
    backup = script.back_up()
    script.changes(script.write("create", "i2"))
    script.put_back(backup)
    script.head()
    script.reset("diverged")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR)
    return script


@scenario("C5, S5")
def a_late_404_of_an_older_generation_is_ignored() -> Script:
    script = live("i1")
    script.show(NEAR, FAR)
    script.give_rights(None)
    script.give_rights("full")
    script.reset("rights")
    script.timer("reset")
    script.subscribed()
    script.feed(NEAR)
    script.feed_not_found(FAR, number=1)
    script.feed(FAR)
    return script
