"""Tests that `identify` finds the user of a session key, and leaves the session as it is for its browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from calendar_live.access.credentials import SessionKey, identify
from calendar_live.access.receivers import Receiver
from calendar_live.live import reader

pytestmark = pytest.mark.django_db(transaction=True)


def session_of(user: User) -> SessionKey:
    client = Client()
    client.force_login(user)
    return SessionKey(client.cookies["sessionid"].value)


def test_a_session_is_its_users_and_nobodys_when_it_has_ended(ana: User) -> None:
    key = session_of(ana)
    assert identify(key) == Receiver("user", str(ana.pk))
    Session.objects.all().delete()
    assert identify(key) is None


def test_a_session_of_an_old_key_of_the_site_stays_the_browsers(ana: User, settings: Any) -> None:
    """Seen failing with Django's own `cycle_key`: the page's cookie no longer names a session."""
    key = session_of(ana)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key", [settings.SECRET_KEY]
    assert identify(key) == Receiver("user", str(ana.pk))
    assert list(Session.objects.values_list("pk", flat=True)) == [key.key]


def test_another_password_ends_a_session(ana: User) -> None:
    key = session_of(ana)
    ana.set_password("another")
    ana.save()
    assert identify(key) is None


def test_a_cookie_that_no_database_can_hold_is_nobodys_and_spoils_nobody_elses_read(ana: User, settings: Any) -> None:
    """On a host site that uses Django's own session store. Seen failing on PostgreSQL when it is queried."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    key, spoilt = session_of(ana), SessionKey("\0" * 32)
    found = reader._grants_of_each([spoilt, key])
    assert found[spoilt] is None
    grant = found[key]
    assert grant is not None
    assert grant.receiver == Receiver("user", str(ana.pk))
