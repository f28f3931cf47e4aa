"""Tests the system checks: each reports its fault at start, under its own id, and a sound site gets no report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.checks import CheckMessage
from django.core.management import CommandError, call_command
from django.db import DataError, connection, models
from django.test.utils import isolate_apps

from calendar_live import checks
from calendar_live.checks import check_admin, check_live_models, check_settings, check_tables
from calendar_live.models import Calendar, LiveModel
from tests.foreign.models import Booking
from tests.people import NINE


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
    """Seen failing without each of the four checks."""
    settings.CALENDAR_LIVE = own
    assert found() == [f"calendar_live.{expected}"]


# --- live models ------------------------------------------------------------------------------------------------------


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id) for message in messages]


def test_the_live_models_of_a_sound_site_are_told_nothing() -> None:
    assert checks._live_models()
    assert check_live_models(None) == check_admin(None) == []


@isolate_apps("tests.foreign")
def test_a_live_model_with_a_key_of_its_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing: `check` found nothing, and the log failed at the first write.

    It raised "badly formed hexadecimal UUID string".
    """

    class Numbered(LiveModel):
        id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # the check is for this

        class Meta(LiveModel.Meta):
            app_label = "foreign"

    class Named(LiveModel):
        id = None  # type: ignore[assignment]  # as above
        name = models.UUIDField(primary_key=True)

        class Meta(LiveModel.Meta):
            app_label = "foreign"

    for model, said in ((Numbered, "id, a BigAutoField"), (Named, "name, a UUIDField")):
        monkeypatch.setattr(apps, "get_models", lambda model=model: [model])
        [message] = check_live_models(None)
        assert message.id == "calendar_live.E004"
        assert f"The key of {model.__name__} is {said}" in message.msg
        assert "A table that is already there" in str(message.hint)


@isolate_apps("tests.foreign")
def test_a_live_model_without_the_constraint_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing with a Meta that does not inherit LiveModel's."""

    class Bare(LiveModel):
        class Meta:
            app_label = "foreign"
            verbose_name = "row"

    monkeypatch.setattr(apps, "get_models", lambda: [Bare])
    assert ids(check_live_models(None)) == ["calendar_live.W002"]


class Plain(admin.ModelAdmin):  # type: ignore[type-arg]  # generic at type-checking time only
    pass


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False


class Undeletable(ReadOnly):
    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False


class ByServices(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    def save_model(self, request: object, obj: object, form: object, change: object) -> None: ...

    def delete_model(self, request: object, obj: object) -> None: ...

    def delete_queryset(self, request: object, queryset: object) -> None: ...


@pytest.mark.parametrize(
    ("kind", "past"),
    [
        (Plain, "save_model, delete_model, delete_queryset"),
        (ReadOnly, "delete_model, delete_queryset"),
        (Undeletable, None),
        (ByServices, None),
    ],
)
def test_an_admin_that_writes_past_the_log_is_named(kind: Any, past: str | None) -> None:
    """Seen failing: a row that it saved was on no screen, and no other row was shown either."""
    admin.site.register(Booking, kind)
    try:
        found = check_admin(None)
    finally:
        admin.site.unregister(Booking)
    assert [message.msg for message in found] == (
        [] if past is None else [f"{kind.__name__} writes Booking past the log: {past} of Django's own."]
    )


# --- their tables -----------------------------------------------------------------------------------------------------


def a_booking(calendar: Calendar) -> Booking:
    row = Booking(calendar=calendar, start=NINE, end=NINE, wire='{"id":""}')
    return Booking.objects.bulk_create([row])[0]


@contextmanager
def a_table(model: type[models.Model]) -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(model)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(model)


@pytest.mark.django_db(transaction=True)
def test_the_tables_of_a_sound_site_are_told_nothing(team: Calendar) -> None:
    a_booking(team)
    assert check_tables(None, databases=["default"]) == []
    assert check_tables(None, databases=None) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", [models.BigAutoField(primary_key=True), models.SlugField(primary_key=True)])
@isolate_apps("tests.foreign")
def test_a_table_with_other_keys_is_refused_before_it_is_migrated(
    key: models.Field[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing on SQLite: `migrate` turned 1 into a UUID of one digit and said OK. Then no row could be read."""

    class Before(models.Model):  # noqa: DJ008 - only its table matters
        id = key
        room = models.CharField(max_length=40)

        class Meta:
            app_label = "foreign"
            db_table = "foreign_room"

    class Room(LiveModel):
        room = models.CharField(max_length=40)

        class Meta(LiveModel.Meta):
            app_label = "foreign"

    with a_table(Before):
        monkeypatch.setattr(apps, "get_models", lambda *_, **__: [Room])
        [message] = check_tables(None, databases=["default"])
    assert message.id == "calendar_live.E005"
    assert "foreign_room.id is no column of UUIDs" in message.msg
    assert "A table that is already there" in str(message.hint)


@pytest.mark.django_db(transaction=True)
def test_a_table_whose_keys_a_migration_has_spoilt_is_refused(team: Calendar) -> None:
    booking = a_booking(team)
    spoil = "UPDATE foreign_booking SET id = '1' WHERE id = %s"
    with connection.cursor() as cursor:
        if connection.features.has_native_uuid_field:
            with pytest.raises(DataError):
                cursor.execute(spoil, [booking.pk.hex])
            return
        cursor.execute(spoil, [booking.pk.hex])
    [message] = check_tables(None, databases=["default"])
    assert message.id == "calendar_live.E005"
    assert "cannot read those rows: 1." in message.msg


@pytest.mark.django_db(transaction=True)
@isolate_apps("tests.foreign")
def test_rows_that_were_saved_past_the_log_are_named_before_the_constraint_is_made(
    team: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing: `migrate` said "CHECK constraint failed", but not which rows were wrong."""

    class Seat(LiveModel):
        class Meta:
            app_label = "foreign"
            constraints = ()

    with a_table(Seat):
        seat = Seat(calendar_id=team.pk, start=NINE, end=NINE)
        Seat._base_manager.bulk_create([seat])
        monkeypatch.setattr(checks, "_live_models", lambda: [Seat])
        [message] = check_tables(None, databases=["default"])
        with pytest.raises(CommandError, match=r"calendar_live\.E006"):
            call_command("migrate", skip_checks=False, verbosity=0)
        Seat._base_manager.all().delete()
    assert message.id == "calendar_live.E006"
    assert seat.pk.hex in message.msg.replace("-", "")
