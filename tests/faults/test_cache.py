"""Tests the site's Redis cache when it is down, hangs, is full, forgets or has garbage: feeds stay right and quick."""

from __future__ import annotations

import runpy
import signal
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pytest
import redis
from django.core.cache import caches
from prometheus_client import REGISTRY

from calendar_live import cache
from testbed.cluster import ROOT
from testbed.servers import Redis
from testbed.waiting import wait_until

KEY: Final = cache.key_of("calendar", "1.00000000000000aa", "full")
OTHER: Final = cache.key_of("calendar", "2.00000000000000bb", "full")
STORED: Final = f"calendar:1:{KEY}"  # as django-redis names it, with the site's prefix
RIGHT: Final = b'1.00000000000000aa\n[{"id":"1"}]' * 20
PAUSE_SECONDS: Final = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with Redis() as running:
        yield running


@pytest.fixture
def client(server: Redis) -> Iterator[redis.Redis]:
    """Yield a client with which a test spoils the cache. The cache is empty at first, and without limits afterwards."""
    client = redis.Redis.from_url(f"{server.url}/1")
    client.flushall()
    yield client
    client.config_set("maxmemory", 0)
    client.close()


@pytest.fixture(autouse=True)
def _as_on_the_site(server: Redis, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("REDIS_URL", server.url)
    site = runpy.run_path(str(ROOT / "project/settings.py"))
    settings.CACHES = settings.CACHES | {"redis": site["CACHES"]["default"]}
    settings.CALENDAR_LIVE = {"CACHE": "redis", "CACHE_PAUSE_SECONDS": PAUSE_SECONDS}
    yield
    caches["redis"].close()


def metric(name: str) -> float:
    return REGISTRY.get_sample_value(f"calendar_live_feed_cache_{name}_total") or 0


def ask(times: int = 1) -> int:
    """Request bytes a number of times, and check that they are right. Return how often they were computed."""
    computed = 0

    def compute() -> tuple[str, bytes]:
        nonlocal computed
        computed += 1
        return KEY, RIGHT

    for _ in range(times):
        assert cache.get_or_compute(KEY, compute) == (KEY, RIGHT)
    return computed


def test_a_cache_that_works_computes_once(client: redis.Redis) -> None:
    assert ask(5) == 1
    assert client.exists(STORED), "the other tests spoil this key"


def test_a_cache_that_is_down_is_told_once_and_tried_again_after_the_pause(
    server: Redis, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen failing without the breaker: the log had a warning for each read, store and lock."""
    before = metric("failures")
    server.kill()
    try:
        assert ask(20) == 20
        assert metric("failures") == before + 1
        [told] = [one for one in caplog.records if "cache" in one.message]
        assert told.exc_info is None, "no traceback"
    finally:
        server.start()
    assert ask(2) == 2, "left alone until the pause is over"
    cache.breaker.reset()
    assert ask(5) == 1


def test_a_cache_that_hangs_costs_one_request_its_time_out(server: Redis) -> None:
    """Seen failing without the breaker: each request waited for four time-outs (read, lock, store and unlock)."""
    ask()  # so that there is a connection, which then hangs
    before = metric("failures")
    server.signal(signal.SIGSTOP)
    try:
        assert ask(40) == 40
    finally:
        server.signal(signal.SIGCONT)
    assert metric("failures") == before + 1, "time-outs that were paid"


def test_a_cache_that_is_full_serves_what_it_has_and_stores_nothing(client: redis.Redis) -> None:
    """Seen failing when a refused store fails the request."""
    assert ask(2) == 1
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)
    before = metric("failures")
    assert ask(5) == 0
    client.delete(STORED)
    assert ask(5) == 5
    assert metric("failures") == before + 1


@pytest.fixture
def locks_for_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a wait last for hours, so that a test that waits for a computation that nobody began cannot pass."""
    monkeypatch.setattr(cache, "_LOCK_SECONDS", 36_000)


@pytest.mark.usefixtures("locks_for_hours")
def test_a_cache_that_forgets_everything_at_once_is_no_worse_than_none(client: redis.Redis) -> None:
    """The cache forgets the locks, too: another process takes a lock again and again, and nobody waits for a lost one.

    Seen failing when `_await` does not check whether the lock still exists.
    """
    ended = threading.Event()

    def forget() -> None:
        while not ended.is_set():
            client.set(f"{STORED}:lock", b"b1")
            client.flushall()

    forgetful = threading.Thread(target=forget)
    forgetful.start()
    try:
        assert 0 < ask(20) <= 20
    finally:
        ended.set()
        forgetful.join(10)


def test_a_cache_too_small_for_all_evicts_and_harms_nobody(client: redis.Redis) -> None:
    """Seen failing when a value that was evicted counts as empty bytes."""
    client.config_set("maxmemory-policy", "allkeys-lru")
    # The memory in use includes the data that waits for other clients.
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 2_000_000)
    for number in range(100):
        key, kept = cache.key_of(number), bytes([number]) * 200_000
        for _ in range(2):
            assert cache.get_or_compute(key, partial(tuple[str, bytes], (key, kept))) == (key, kept)
    assert client.info("stats")["evicted_keys"] > 0
    assert ask(2) == 1


def spoil(client: redis.Redis, how: str) -> None:
    stored = client.get(STORED)
    assert isinstance(stored, bytes)
    client.delete(STORED)
    if how == "a list":
        client.rpush(STORED, b"1", b"2")
    elif how == "bytes of another key":
        cache.get_or_compute(OTHER, lambda: (OTHER, b"2.00000000000000bb\n[]"))
        client.copy(f"calendar:1:{OTHER}", STORED, replace=True)
    else:
        spoilt = {
            "random bytes": bytes(range(256)),
            "nothing at all": b"",
            "cut short": stored[:-7],
            "a bit turned": stored[:-3] + bytes([stored[-3] ^ 1]) + stored[-2:],
            "a number": b"12345",
            "a pickle": b"\x80\x04K\x01.",
            "JSON": b'j{"a":1}',
        }
        client.set(STORED, spoilt[how])


@pytest.mark.parametrize(
    "how",
    [
        "random bytes",
        "nothing at all",
        "cut short",
        "a bit turned",
        "a number",
        "a pickle",
        "JSON",
        "a list",
        "bytes of another key",
    ],
)
def test_garbage_under_our_keys_is_replaced_and_never_served(
    how: str, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen failing when a refusal of the cache pauses it.

    Seen failing without the checksum, too (cut short, a bit turned, bytes of another key).
    """
    ask()
    spoil(client, how)
    spoilt, failures = metric("spoilt"), metric("failures")
    assert ask(3) == 1, "computed once, and kept in its place"
    assert (metric("spoilt"), metric("failures")) == (spoilt + 1, failures)
    assert caplog.text == ""


@pytest.mark.usefixtures("locks_for_hours")
def test_a_lock_that_is_garbage_holds_up_nobody(client: redis.Redis) -> None:
    """Seen failing when the error of Redis fails the request."""
    client.rpush(f"{STORED}:lock", b"x")
    assert ask() == 1


def test_many_threads_before_a_hanging_cache_pay_once_together(server: Redis, caplog: pytest.LogCaptureFixture) -> None:
    """Seen failing when each thread that sees the failure logs it."""
    server.signal(signal.SIGSTOP)
    threads = [threading.Thread(target=ask, args=(5,)) for _ in range(8)]
    try:
        for thread in threads:
            thread.start()
        wait_until(lambda: not any(thread.is_alive() for thread in threads), what="all to be answered")
    finally:
        server.signal(signal.SIGCONT)
    assert caplog.text.count("left alone") == 1
