"""Tests public links: who may create them, which values they may have, and when they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from calendar_live.access import open_link, receivers_of, standing
from calendar_live.access.credentials import LinkToken, identify, link_token
from calendar_live.access.receivers import Receiver, link_receiver
from calendar_live.errors import CalendarLiveError, Forbidden, Invalid, NotFound, SignedOut
from calendar_live.models import Calendar, PublicLink, Role
from calendar_live.services.accounts import delete_user
from calendar_live.services.calendars import delete_calendar, edit_calendar, set_role
from calendar_live.services.sharing import create_link, edit_link, withdraw_link
from tests.people import make_calendar, make_link
from tests.recording import told_receivers


def access_by(link: PublicLink) -> str:
    """Return the access token of a reader who uses a link."""
    return str(standing(link_receiver(link.pk), link.calendar_id).access)


@pytest.mark.parametrize(("shows", "rights"), [("full", "public"), ("freebusy", "freebusy")])
def test_a_link_stands_in_its_calendar_with_the_rights_it_shows(
    team: Calendar, ana: User, shows: str, rights: str
) -> None:
    link = make_link(team, ana, shows=shows)
    found = standing(link_receiver(link.pk), team.pk)
    assert (found.role, str(found.access), found.may_edit) == ("link", f"{rights}.1", False)
    other = make_calendar(ana)
    with pytest.raises(NotFound):
        standing(link_receiver(link.pk), other.pk)


def test_only_owners_make_change_and_withdraw_links(
    team: Calendar, ana: User, ben: User, cara: User, dan: User
) -> None:
    link = make_link(team, ana)
    refused: list[tuple[User, type[CalendarLiveError]]] = [(ben, Forbidden), (cara, Forbidden), (dan, NotFound)]
    for user, failure in refused:
        with pytest.raises(failure):
            create_link(team.pk, actor=user, values={"name": "Mine", "shows": "full"})
        with pytest.raises(failure):
            edit_link(team.pk, actor=user, link_id=link.pk, changes={"shows": "freebusy"})
        with pytest.raises(failure):
            withdraw_link(team.pk, actor=user, link_id=link.pk)
    assert list(PublicLink.objects.values_list("pk", "shows", "withdrawn_at")) == [(link.pk, "full", None)]


def test_a_link_is_found_in_its_own_calendar_alone(team: Calendar, ana: User) -> None:
    other, link = make_calendar(ana), make_link(team, ana)
    for calendar, key in ((other, link.pk), (team, uuid4())):
        with pytest.raises(NotFound):
            edit_link(calendar.pk, actor=ana, link_id=key, changes={"name": "Other"})
        with pytest.raises(NotFound):
            withdraw_link(calendar.pk, actor=ana, link_id=key)


PAST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"shows": "everything"}, "shows"),
        ({"expires_at": PAST}, "expiresAt"),
        ({"expires_at": datetime(2099, 1, 1)}, "expiresAt"),  # noqa: DTZ001 - the test needs a time without a zone
        ({"frame_origins": "https://a.example"}, "frameOrigins"),
        ({"frame_origins": [f"https://a{n}.example" for n in range(21)]}, "frameOrigins"),
        *(
            ({"frame_origins": [origin]}, "frameOrigins")
            for origin in (
                "*",
                "https://*",
                "https://*.example",
                "https://a.example; script-src *",
                "https://a.example https://b.example",
                "https://a.example,https://b.example",
                "https://a.example/page",
                "https://ann@a.example",
                "a.example",
                "javascript:alert(1)",
                "null",
                "'self'",
                "https://a.example:99999999",
                "https://a.example:65536",
                "http://[::1]:99999",
                "",
            )
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(
    team: Calendar, ana: User, values: dict[str, Any], field: str
) -> None:
    """Seen failing when an origin may contain syntax of a Content-Security-Policy, and with any port of five digits."""
    with pytest.raises(Invalid) as refused:
        make_link(team, ana, **values)
    assert list(refused.value.fields) == [field]
    assert not PublicLink.objects.exists()


def test_origins_are_kept_as_browsers_compare_them(team: Calendar, ana: User) -> None:
    given = ["https://WWW.example.org/", "http://localhost:8080", "http://[::1]:65535", "https://www.example.org"]
    kept = make_link(team, ana, frame_origins=given).frame_origins
    assert kept == ["https://www.example.org", "http://localhost:8080", "http://[::1]:65535"]


def test_a_link_needs_a_name_and_what_it_shows(team: Calendar, ana: User) -> None:
    with pytest.raises(Invalid) as refused:
        create_link(team.pk, actor=ana, values={})
    assert set(refused.value.fields) == {"name", "shows"}


def test_a_calendar_has_so_many_links_and_a_withdrawn_one_makes_room(team: Calendar, ana: User, settings: Any) -> None:
    settings.CALENDAR_LIVE = {"MAX_LINKS": 2}
    first, _ = make_link(team, ana), make_link(team, ana)
    with pytest.raises(Invalid):
        make_link(team, ana)
    withdraw_link(team.pk, actor=ana, link_id=first.pk)
    make_link(team, ana)


def test_another_scope_makes_another_access_and_another_name_does_not(team: Calendar, ana: User) -> None:
    """S5. Seen failing when the version stays the same.

    After a change to another scope and back, a picture from before would then be taken for a current one.
    """
    link = make_link(team, ana)
    tokens = [access_by(link)]
    for changes in ({"name": "Poster"}, {"shows": "freebusy"}, {"shows": "full"}, {"shows": "full"}):
        edit_link(team.pk, actor=ana, link_id=link.pk, changes=changes)
        tokens.append(access_by(link))
    assert tokens == ["public.1", "public.1", "freebusy.2", "public.3", "public.3"]


def ends_by_withdrawal(calendar: Calendar, owner: User, link: PublicLink) -> None:
    withdraw_link(calendar.pk, actor=owner, link_id=link.pk)


def ends_by_time(calendar: Calendar, owner: User, link: PublicLink) -> None:
    PublicLink.objects.filter(pk=link.pk).update(expires_at=timezone.now() - timedelta(milliseconds=1))


def ends_with_its_calendar(calendar: Calendar, owner: User, link: PublicLink) -> None:
    delete_calendar(calendar.pk, actor=owner)


@pytest.mark.parametrize("end", [ends_by_withdrawal, ends_by_time, ends_with_its_calendar])
def test_an_ended_link_stands_nowhere(team: Calendar, ana: User, end: Any) -> None:
    link = make_link(team, ana)
    assert open_link(link_receiver(link.pk)) == link
    end(team, ana, link)
    assert open_link(link_receiver(link.pk)) is None
    with pytest.raises(SignedOut):
        standing(link_receiver(link.pk), team.pk)


def test_a_calendar_taken_out_of_the_trash_is_not_public_again(team: Calendar, ana: User) -> None:
    """Seen failing without the withdrawal in `delete_calendar`."""
    link = make_link(team, ana)
    delete_calendar(team.pk, actor=ana)
    Calendar.objects.filter(pk=team.pk).update(deleted_at=None)
    assert open_link(link_receiver(link.pk)) is None


def test_a_link_outlives_the_ownership_and_the_account_of_who_made_it(team: Calendar, ana: User, ben: User) -> None:
    link = make_link(team, ana)
    set_role(team, member=ben, role=Role.OWNER)
    set_role(team, member=ana, role=Role.VIEWER)
    assert access_by(link) == "public.1"
    delete_user(ana)
    assert access_by(link) == "public.1"


def test_everyone_whom_a_change_concerns_is_told_and_nobody_else(
    team: Calendar, ana: User, django_capture_on_commit_callbacks: Any
) -> None:
    """Seen failing when `delete_calendar` notifies the members alone."""
    first, second = make_link(team, ana), make_link(team, ana)
    members = [str(one) for one in receivers_of(team.pk) if one.kind == "user"]
    owner = f"user.{ana.pk}"
    both = [str(link_receiver(one.pk)) for one in (first, second)]
    acts: list[tuple[Any, list[str]]] = [
        (lambda: edit_link(team.pk, actor=ana, link_id=first.pk, changes={"shows": "freebusy"}), [owner, both[0]]),
        (lambda: withdraw_link(team.pk, actor=ana, link_id=second.pk), [owner, both[1]]),
        (lambda: edit_calendar(team.pk, actor=ana, changes={"name": "New"}), members + both),
        (lambda: delete_calendar(team.pk, actor=ana), members + both),
    ]
    for act, expected in acts:
        with told_receivers() as told, django_capture_on_commit_callbacks(execute=True):
            act()
        assert [set(keys) for keys in told] == [set(expected)]


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_names_its_link_and_no_other_text_does(team: Calendar, ana: User) -> None:
    link, other = make_link(team, ana), make_link(team, ana)
    token, another = link_token(link.pk).token, link_token(other.pk).token
    assert identify(LinkToken(token)) == link_receiver(link.pk)
    name, _, signature = token.partition(".")
    swapped = f"{name}.{another.partition('.')[2]}"
    spoilt = [
        swapped,
        name,
        f"{name}.",
        f".{signature}",
        token[:-1],
        token + "x",
        "",
        ".",
        "é.ü",
        "\ud800.x",
        str(link.pk),
    ]
    assert [identify(LinkToken(one)) for one in spoilt] == [None] * len(spoilt)


def test_a_token_is_signed_with_the_sites_key_and_old_keys_go_on_to_count(settings: Any) -> None:
    key = uuid4()
    token = link_token(key)
    settings.SECRET_KEY, old = "another-key", settings.SECRET_KEY
    assert identify(token) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert identify(token) == Receiver("link", str(key))


def test_a_credential_does_not_show_its_secret_in_a_log() -> None:
    assert "secret" not in repr(LinkToken("secret"))
