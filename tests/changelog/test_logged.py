"""Tests that a listener of `change_logged` writes in the change's own transaction: both are kept, or neither is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from calendar_live import changelog
from calendar_live.changelog import change_logged
from calendar_live.models import Calendar
from calendar_live.protocol import changes
from calendar_live.services.items import delete_item
from tests.changing import UndoneError, new_row, rolled_back
from tests.history import head_of
from tests.people import make_item
from tests.recording import all_rows

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def _noted_for(user: User) -> Iterator[list[changes.ChangeSet]]:
    """Yield the logged change sets. For each, the listener writes a row itself: it sets the user's first name."""
    heard: list[changes.ChangeSet] = []

    def note(*, change_set: changes.ChangeSet, **_: Any) -> None:
        heard.append(change_set)
        User.objects.filter(pk=user.pk).update(first_name=str(change_set.new.revision))

    change_logged.connect(note)
    try:
        yield heard
    finally:
        change_logged.disconnect(note)


def _note_of(user: User) -> str:
    return User.objects.get(pk=user.pk).first_name


def test_each_change_is_told_whole_with_its_author(team: Calendar, ana: User) -> None:
    with _noted_for(ana) as heard:
        item = make_item(team, ana)
        delete_item(team.pk, actor=ana, item_id=item.pk)
    made, gone = heard
    assert made.actor == gone.actor == changes.Actor(str(ana.pk), "Ana")
    assert (made.new, gone.new) == (gone.old, head_of(team))
    assert [(entry.item, entry.wire is None) for one in heard for entry in one.entries or ()] == [
        (str(item.pk), False),
        (str(item.pk), True),
    ]


def test_what_a_listener_writes_is_gone_with_the_change(team: Calendar, ana: User) -> None:
    """Fails when the signal is sent after commit, or in a transaction of its own."""
    with _noted_for(ana):
        make_item(team, ana)
        assert _note_of(ana) == "1"
        with rolled_back():
            make_item(team, ana)
            assert _note_of(ana) == "2"
        assert _note_of(ana) == "1"


def test_a_listener_that_fails_undoes_the_change(team: Calendar, ana: User, announced: list[changes.ChangeSet]) -> None:
    """Fails when the signal is sent robustly."""

    def fail(**_: Any) -> None:
        raise UndoneError

    before = all_rows()
    change_logged.connect(fail)
    try:
        with pytest.raises(UndoneError):
            make_item(team, ana)
    finally:
        change_logged.disconnect(fail)
    assert all_rows() == before
    assert announced == []


def test_each_part_of_a_transaction_is_told_with_its_own_entries(team: Calendar, ana: User) -> None:
    first, second = new_row(team), new_row(team)
    with _noted_for(ana) as heard, transaction.atomic():
        for row in (first, second):
            with changelog.change(team.pk, actor=ana) as change:
                change.upsert(row)
    assert [[entry.item for entry in one.entries or ()] for one in heard] == [[str(first.pk)], [str(second.pk)]]
    assert {one.new for one in heard} == {head_of(team)}
