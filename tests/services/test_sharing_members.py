"""Tests members: whom a name means, who may share, that no assignments are left behind, and who is notified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.contrib.auth.models import User

from calendar_live import wording
from calendar_live.errors import AlreadyMember, Forbidden, Invalid, NotFound
from calendar_live.models import Assignment, Calendar, Invitation, Role, WorkItem
from calendar_live.protocol import changes
from calendar_live.services import calendars, items, sharing
from calendar_live.services.calendars import set_role
from tests.people import invite, make_calendar, make_item, make_user
from tests.recording import all_rows, told_receivers
from tests.services.members import EVE, PASSPHRASE, roles

pytestmark = pytest.mark.django_db(transaction=True)


# --- whom a name means -----------------------------------------------------------------------------------------------


def test_a_person_is_named_by_user_name(team: Calendar, ana: User, dan: User) -> None:
    eve = make_user("eve")
    assert sharing.share(team.pk, actor=ana, to=" eve ", role=Role.VIEWER) == eve.pk
    assert sharing.share(team.pk, actor=ana, to="dan", role=Role.OWNER) == dan.pk
    assert roles(team) == {"ana": "owner", "ben": "editor", "cara": "viewer", "dan": "editor", "eve": "viewer"}


def test_a_user_name_of_another_case_is_taken_when_it_names_one_person(team: Calendar, ana: User, dan: User) -> None:
    assert sharing.share(team.pk, actor=ana, to="DAN", role=Role.VIEWER) == dan.pk
    lower, upper = make_user("eve"), make_user("EVE")
    with pytest.raises(Invalid) as refused:
        sharing.share(team.pk, actor=ana, to="Eve", role=Role.VIEWER)
    assert "Several users" in wording.fields(refused.value)["to"][0]
    assert sharing.share(team.pk, actor=ana, to="EVE", role=Role.VIEWER) == upper.pk
    assert sharing.share(team.pk, actor=ana, to="eve", role=Role.VIEWER) == lower.pk


@pytest.mark.parametrize(
    "to",
    [
        "nobody",
        "gone",
        "",
        "@",
        "a@b",
        "two\nlines@example.org",
        "a@example.org\nBcc: b@example.org",
        "\u017fam@example.org",
        '"\x01"@example.org',
    ],
)
def test_whom_nobody_can_be_is_refused(to: str, team: Calendar, ana: User) -> None:
    User.objects.filter(pk=make_user("gone").pk).update(is_active=False)
    before = all_rows()
    with pytest.raises(Invalid) as refused:
        sharing.share(team.pk, actor=ana, to=to, role=Role.VIEWER)
    assert refused.value.fields.keys() == {"to"}
    assert all_rows() == before


def test_a_user_name_that_looks_like_an_address_gets_nothing_that_is_meant_for_the_address(
    team: Calendar, ana: User
) -> None:
    """Seen failing when user names are searched first: a user who is named like another's address gets their share."""
    make_user("boss@example.org")
    shared = sharing.share(team.pk, actor=ana, to="boss@example.org", role=Role.EDITOR)
    assert isinstance(shared, sharing.Mailing)
    assert "boss@example.org" not in roles(team)


@pytest.mark.parametrize("behind", ["nobody", "an account", "an account that is not active", "two accounts"])
def test_an_address_is_invited_whoever_is_behind_it(
    behind: str, team: Calendar, ana: User, dan: User, told: list[list[str]]
) -> None:
    """Nobody becomes a member or is notified before they accept.

    Seen failing when the owner of an account with that address becomes a member at once.
    """
    accounts = {"nobody": [], "two accounts": [dan.pk, make_user("fay").pk]}.get(behind, [dan.pk])
    User.objects.filter(pk__in=accounts).update(email="Eve@Example.ORG", is_active="not active" not in behind)
    before = roles(team)
    invited = sharing.share(team.pk, actor=ana, to="eVE@example.org", role=Role.EDITOR)
    assert isinstance(invited, sharing.Mailing)
    assert (invited.invitation.email, invited.invitation.role) == ("eve@example.org", "editor")
    assert [one.pk for one in sharing.pending(team.pk)] == [invited.invitation.pk]
    assert roles(team) == before
    assert told == [keys(ana)]
    if accounts and "not active" not in behind:
        sharing.accept(invited.token, user=dan)
        assert roles(team) == before | {"dan": "editor"}


@pytest.mark.parametrize("to", ["ben", "ben@example.org", "BEN@Example.org"])
def test_a_member_is_named_with_the_role_they_have(to: str, team: Calendar, ana: User, ben: User) -> None:
    """Owners see the addresses of members in the list. Seen failing when such an address is invited."""
    User.objects.filter(pk=ben.pk).update(email="Ben@example.org")
    before = all_rows()
    with pytest.raises(AlreadyMember) as refused:
        sharing.share(team.pk, actor=ana, to=to, role=Role.VIEWER)
    assert wording.detail(refused.value) == "Ben is in this calendar already, as editor."
    assert all_rows() == before


def test_an_address_of_a_member_of_another_calendar_is_invited(team: Calendar, ana: User, dan: User) -> None:
    """Seen failing when the members of every calendar are searched."""
    make_calendar(dan)
    User.objects.filter(pk=dan.pk).update(email="eve@example.org")
    assert isinstance(sharing.share(team.pk, actor=ana, to="eve@example.org", role=Role.VIEWER), sharing.Mailing)


# --- who may ---------------------------------------------------------------------------------------------------------

Act = Callable[[Calendar, User, User], Any]

FOR_OWNERS: Final[dict[str, Act]] = {
    "share": lambda team, actor, eve: sharing.share(team.pk, actor=actor, to=EVE, role=Role.VIEWER),
    "change_role": lambda team, actor, eve: sharing.change_role(
        team.pk, actor=actor, member=str(eve.pk), role=Role.EDITOR
    ),
    "remove": lambda team, actor, eve: sharing.remove(team.pk, actor=actor, member=str(eve.pk)),
    "transfer": lambda team, actor, eve: sharing.transfer(team.pk, actor=actor, to=str(eve.pk)),
    "send_again": lambda team, actor, eve: sharing.send_again(
        team.pk, actor=actor, invitation_id=Invitation.objects.get().pk
    ),
    "withdraw": lambda team, actor, eve: sharing.withdraw(
        team.pk, actor=actor, invitation_id=Invitation.objects.get().pk
    ),
}


@pytest.mark.parametrize("act", FOR_OWNERS.values(), ids=FOR_OWNERS)
def test_only_owners_share(act: Act, team: Calendar, ana: User, ben: User, cara: User, dan: User) -> None:
    """Seen failing without `require_owner` in any of these services."""
    eve = make_user("eve")
    set_role(team, member=eve, role=Role.FREEBUSY)
    invite(team, ana, to="other@example.org")
    before = all_rows()
    for actor, refusal in ((ben, Forbidden), (cara, Forbidden), (eve, Forbidden), (dan, NotFound)):
        with pytest.raises(refusal):
            act(team, actor, eve)
    assert all_rows() == before
    act(team, ana, eve)
    assert all_rows() != before


def test_nobody_but_members_has_a_role_to_change(team: Calendar, ana: User, dan: User) -> None:
    for stranger in (str(dan.pk), "0", "garbage"):
        with pytest.raises(NotFound):
            sharing.change_role(team.pk, actor=ana, member=stranger, role=Role.EDITOR)
        with pytest.raises(NotFound):
            sharing.remove(team.pk, actor=ana, member=stranger)
        with pytest.raises(Invalid):
            sharing.transfer(team.pk, actor=ana, to=stranger)


def test_a_calendar_is_handed_over_with_its_open_invitations(team: Calendar, ana: User, cara: User) -> None:
    token = invite(team, ana).token
    sharing.transfer(team.pk, actor=ana, to=str(cara.pk))
    assert sharing.find_invitation(token).invited_by == ana
    sharing.answer_offer(team.pk, actor=cara, accept=True)
    assert roles(team) == {"ana": "editor", "ben": "editor", "cara": "owner"}
    assert sharing.find_invitation(token).invited_by == cara
    with pytest.raises(Forbidden):
        sharing.transfer(team.pk, actor=ana, to=str(cara.pk))


def test_a_calendar_has_at_most_so_many_members(team: Calendar, ana: User, dan: User, settings: Any) -> None:
    settings.CALENDAR_LIVE = {"MAX_MEMBERS": 3}
    with pytest.raises(Invalid) as refused:
        sharing.share(team.pk, actor=ana, to="dan", role=Role.VIEWER)
    assert wording.fields(refused.value) == {"to": ["A calendar has at most 3 members."]}
    with pytest.raises(Invalid):
        sharing.accept(invite(team, ana).token, user=dan)


# --- members who leave have no assignments ---------------------------------------------------------------------------


def test_who_leaves_works_on_nothing_there_any_more(
    team: Calendar, ana: User, cara: User, announced: list[changes.ChangeSet]
) -> None:
    """Only members are assignees. Seen failing when `take_role` keeps the assignments."""
    both = make_item(team, ana, assignee_keys=[str(ana.pk), str(cara.pk)])
    deleted = make_item(team, ana, assignee_keys=[str(cara.pk)])
    deletion = items.delete_item(team.pk, actor=ana, item_id=deleted.pk)
    announced.clear()
    sharing.leave(team.pk, actor=cara)
    [change_set] = announced
    assert [entry.item for entry in change_set.entries or ()] == [str(both.pk)]
    assert f'"assignees":["{ana.pk}"]' in WorkItem.objects.get(pk=both.pk).wire
    items.restore_items(team.pk, actor=ana, item_ids=[deleted.pk], expected_state=deletion.state)
    assert '"assignees":[]' in WorkItem.objects.get(pk=deleted.pk).wire
    assert not Assignment.objects.filter(user=cara).exists()


def test_who_works_on_nothing_leaves_without_a_change_set(
    team: Calendar, ana: User, cara: User, announced: list[changes.ChangeSet]
) -> None:
    make_item(team, ana, assignee_keys=[str(ana.pk)])
    announced.clear()
    sharing.remove(team.pk, actor=ana, member=str(cara.pk))
    assert announced == []


# --- who is notified -------------------------------------------------------------------------------------------------


@pytest.fixture
def told() -> Iterator[list[list[str]]]:
    with told_receivers() as heard:
        yield heard


def keys(*users: User) -> list[str]:
    return sorted(f"user.{user.pk}" for user in users)


def test_every_change_is_told_once_to_everyone_it_concerns(
    team: Calendar, ana: User, ben: User, cara: User, dan: User, told: list[list[str]]
) -> None:
    """Seen failing when a transfer changes its two roles by two calls of `set_role`."""
    all_four = keys(ana, ben, cara, dan)
    mailing = invite(team, ana)
    assert told == [keys(ana)]  # only owners see invitations
    for act, concerned in (
        (lambda: sharing.share(team.pk, actor=ana, to="dan", role=Role.VIEWER), all_four),
        (lambda: sharing.change_role(team.pk, actor=ana, member=str(dan.pk), role=Role.EDITOR), all_four),
        (lambda: sharing.transfer(team.pk, actor=ana, to=str(dan.pk)), all_four),
        (lambda: sharing.answer_offer(team.pk, actor=dan, accept=True), all_four),
        (lambda: sharing.remove(team.pk, actor=dan, member=str(cara.pk)), all_four),
        (lambda: sharing.leave(team.pk, actor=ana), keys(ana, ben, dan)),
        (lambda: sharing.accept(mailing.token, user=cara), keys(ben, cara, dan)),
        (lambda: sharing.set_order([team.pk], actor=ben), keys(ben)),
        (lambda: calendars.delete_calendar(team.pk, actor=dan), keys(ben, cara, dan)),
        (lambda: calendars.restore_calendar(team.pk, actor=dan), keys(ben, cara, dan)),
    ):
        told.clear()
        act()
        assert [sorted(one) for one in told] == [concerned]


def test_what_is_refused_is_told_to_nobody(team: Calendar, ana: User, dan: User, told: list[list[str]]) -> None:
    mailing = invite(team, ana)
    told.clear()
    with pytest.raises(Invalid):
        sharing.leave(team.pk, actor=ana)
    with pytest.raises(Invalid):
        sharing.accept_as_new(mailing.token, username="dan", name="Dan", password=PASSPHRASE)
    assert told == []
