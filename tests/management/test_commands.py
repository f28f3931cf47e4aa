"""Tests `import_holidays`, which imports no holiday twice, and `seed_demo`, which runs on trial sites only."""

from __future__ import annotations

from io import StringIO
from typing import Any

import orjson
import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from calendar_live.models import Calendar, ChangeSet, Membership, Role, WorkItem
from calendar_live.protocol.changes import ChangeSet as Announced
from calendar_live.services.calendars import set_role
from calendar_live.services.items import delete_item
from tests.people import make_calendar, make_item
from tests.recording import all_rows

pytestmark = pytest.mark.django_db(transaction=True)


def run(name: str, **options: Any) -> str:
    out = StringIO()
    call_command(name, stdout=out, **options)
    return out.getvalue()


# --- import_holidays -------------------------------------------------------------------------------------------------


@pytest.fixture
def holidays(ana: User) -> Calendar:
    return make_calendar(ana, name="Holidays")


def test_holidays_come_in_one_change_as_all_day_items(holidays: Calendar, announced: list[Announced]) -> None:
    said = run("import_holidays", country="PH", years="2026")
    [change] = announced
    items = [orjson.loads(wire) for wire in WorkItem.objects.values_list("wire", flat=True)]
    assert f"{len(items)} holidays imported into Holidays, 0 were there." in said
    assert all(item["allDay"] and item["timeZone"] == "Asia/Manila" for item in items)
    assert {"2026-06-12", "2026-12-25"} <= {item["start"] for item in items}
    assert ("2026-12-25", "2026-12-26") in {(item["start"], item["end"]) for item in items}
    assert change.entries is not None
    assert len(change.entries) == len(items) > 10


def test_holidays_are_imported_once_however_often_they_are_asked_for(holidays: Calendar) -> None:
    run("import_holidays", country="PH", years="2026")
    before = all_rows()
    assert " 0 holidays imported" in run("import_holidays", country="PH", years="2026")
    assert " 0 holidays imported" in run("import_holidays", country="ph", years="2026-2026")
    assert all_rows() == before, "not even a revision"
    run("import_holidays", country="PH", years="2026,2027")
    assert ChangeSet.objects.filter(calendar=holidays).count() == 3


def test_a_holiday_that_somebody_deleted_stays_deleted(holidays: Calendar, ana: User) -> None:
    run("import_holidays", country="PH", years="2026")
    gone = WorkItem.objects.first()
    assert gone is not None
    delete_item(holidays.pk, actor=ana, item_id=gone.pk)
    run("import_holidays", country="PH", years="2026")
    gone.refresh_from_db()
    assert gone.deleted_at is not None


def test_holidays_are_imported_as_an_owner_whose_account_is_active(holidays: Calendar, ana: User, ben: User) -> None:
    """Seen failing with "Sign in first.": the command wrote as the first owner, whose account was inactive."""
    set_role(holidays, member=ben, role=Role.OWNER)
    User.objects.filter(pk=ana.pk).update(is_active=False)
    run("import_holidays", country="PH", years="2026")
    assert ChangeSet.objects.filter(calendar=holidays).latest("revision").actor_id == ben.pk
    User.objects.filter(pk=ben.pk).update(is_active=False)
    with pytest.raises(CommandError, match="has no owner whose account is active"):
        run("import_holidays", country="PH", years="2027")


def test_a_calendar_may_be_named_by_its_id(ana: User, holidays: Calendar) -> None:
    other = make_calendar(ana, name="Holidays")
    run("import_holidays", country="DE", years="2026", calendar=str(other.pk))
    assert WorkItem.objects.filter(calendar=other).exists()
    assert not WorkItem.objects.filter(calendar=holidays).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"country": "XX"}, "does not know the country 'XX'"),
        ({"country": ""}, "does not know the country"),
        ({"country": "../PH"}, "does not know the country"),
        ({"years": "soon"}, "write 2026 or 2026,2027 or 2026-2028, from 1900 to 2199"),
        ({"years": ""}, "write 2026 or 2026,2027 or 2026-2028, from 1900 to 2199"),
        ({"years": "2026-2027-2028"}, "write 2026 or 2026,2027 or 2026-2028, from 1900 to 2199"),
        ({"years": "2028-2026"}, "write 2026 or 2026,2027 or 2026-2028, from 1900 to 2199"),
        ({"years": "0"}, "--years '0'"),
        ({"years": "99999"}, "--years '99999'"),
        ({"years": "1-99999999"}, "--years"),
        ({"calendar": "Missing"}, "0 calendars are called 'Missing'"),
        ({"calendar": "00000000-0000-4000-8000-000000000000"}, "0 calendars are called"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_told_and_writes_nothing(options: dict[str, str], message: str, holidays: Calendar) -> None:
    before = all_rows()
    with pytest.raises(CommandError) as refused:
        run("import_holidays", **({"country": "PH", "years": "2026"} | options))
    assert message in str(refused.value)
    assert all_rows() == before


def test_two_calendars_of_one_name_are_not_guessed_between(ana: User, holidays: Calendar) -> None:
    make_calendar(ana, name="Holidays")
    with pytest.raises(CommandError, match="2 calendars are called 'Holidays'"):
        run("import_holidays", country="PH", years="2026")


# --- seed_demo -------------------------------------------------------------------------------------------------------


def test_the_demo_is_made_once(settings: Any) -> None:
    settings.DEBUG = True
    said = run("seed_demo")
    for name in ("ana", "ben", "cara", "dan"):
        assert authenticate(username=name, password="demo") is not None
        assert f"    {name}" in said
    assert sorted(Calendar.objects.values_list("name", flat=True)) == ["Holidays", "Projects", "Team"]
    roles = {("ana", Role.OWNER), ("ben", Role.EDITOR), ("cara", Role.VIEWER)}
    assert set(Membership.objects.values_list("user__username", "role")) == roles
    assert 250 <= WorkItem.objects.count() <= 400
    assert set(WorkItem.objects.values_list("work_type", flat=True)) == {"project", "activity", "task", "meeting"}
    assert len(set(WorkItem.objects.values_list("status", flat=True))) == 6
    before = all_rows()
    assert "ana" in run("seed_demo")
    assert all_rows() == before


def test_the_demo_is_made_once_though_somebody_changed_it(settings: Any) -> None:
    settings.DEBUG = True
    run("seed_demo")
    ana, team = User.objects.get(username="ana"), Calendar.objects.get(name="Team")
    made = make_item(team, ana, title="Mine")
    first = WorkItem.objects.filter(calendar=team).exclude(pk=made.pk).first()
    assert first is not None
    delete_item(team.pk, actor=ana, item_id=first.pk)
    before = all_rows()
    run("seed_demo")
    assert all_rows() == before


def test_the_demo_is_refused_on_a_real_site(settings: Any) -> None:
    settings.DEBUG = False
    before = all_rows()
    with pytest.raises(CommandError, match="DEBUG=1 only"):
        run("seed_demo")
    assert all_rows() == before
    assert not User.objects.exists()
