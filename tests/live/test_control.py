"""Tests the command to connect anew, which reaches every socket of every process."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from calendar_live.live import endings, listener
from calendar_live.live.hub import Hub
from testbed.waiting import until
from tests.live.pages import Page, in_thread

pytestmark = pytest.mark.django_db(transaction=True)


async def test_every_page_is_told_to_connect_anew(
    hub: Hub, ana: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_RETRY_SECONDS", 0.05)
    pages = [Page(ana), Page(ana), Page(ben)]
    for page in pages:
        await hub.enter(page)
    await until(lambda: not hub._listener.unheard, what="the hub to listen")
    await in_thread(call_command, "reconnect_pages", "--spread-ms", "4000", stdout=StringIO())
    await until(lambda: all(page.texts for page in pages), what="the order")
    assert [json.loads(page.texts[-1]) for page in pages] == [{"type": "reconnect", "spreadMs": 4000}] * 3


@pytest.mark.parametrize("spread", ["-1", "600001"])
def test_an_absurd_spread_is_refused(spread: str) -> None:
    with pytest.raises(CommandError, match="--spread-ms"):
        call_command("reconnect_pages", "--spread-ms", spread)


def test_an_operator_is_told_when_the_layer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(endings, "send_reconnect", fails)
    with pytest.raises(CommandError, match="no broker"):
        call_command("reconnect_pages")
