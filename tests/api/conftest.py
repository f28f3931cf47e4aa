"""Fixtures for tests of waiting: no thread outlives its test with a connection, and no request is left waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import AsyncClient
from prometheus_client import REGISTRY

from calendar_live.live import longpoll
from calendar_live.live.hub import get_hub
from testbed.waiting import until
from tests.api.callers import LONG, Caller, SignIn
from tests.live.conftest import _new_layer_and_threads

__all__ = ["_new_layer_and_threads"]


@pytest.fixture
async def sign_in(settings: Any) -> AsyncIterator[SignIn]:
    """Return a function that signs a user in. At the end, check that no request is left waiting."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 0.1, "MAX_WAIT_SECONDS": LONG}

    async def caller(user: User) -> Caller:
        client = AsyncClient()
        await client.aforce_login(user)
        return Caller(client)

    yield caller
    await sync_to_async(connections.close_all)()  # Django's test client leaves its thread's connections open
    hub = get_hub()

    async def nobody_is_left() -> bool:
        await hub.check_heads()  # it skips a calendar that the hub's own head check works on
        return hub._served == {}

    await until(nobody_is_left, what="the calendars to be let go")
    assert hub._audiences.of == {}
    assert not longpoll._seats.taken
    assert REGISTRY.get_sample_value("calendar_live_polls") == 0
    await hub.close()
