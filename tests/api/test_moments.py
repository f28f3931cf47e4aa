"""Tests that a call does not fail with 500 when another user changes something between its write and its answer."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from calendar_live.models import Calendar, Membership, Role
from calendar_live.services import sharing
from calendar_live.services.calendars import set_role
from tests.api.calls import Api, body_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_member_whom_another_owner_takes_out_before_the_answer_is_not_found(
    team: Calendar, ana: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing when the row is assumed to exist: 500."""
    set_role(team, member=ben, role=Role.EDITOR)
    change_role = sharing.change_role

    def change_and_lose(*args: Any, **kwargs: Any) -> None:
        change_role(*args, **kwargs)
        Membership.objects.filter(user=ben).delete()

    monkeypatch.setattr(sharing, "change_role", change_and_lose)
    answer = Api(ana).send("PATCH", f"/api/calendars/{team.pk}/members/{ben.pk}/", {"role": "viewer"})
    assert (answer.status_code, body_of(answer)["code"]) == (404, "not_found")
