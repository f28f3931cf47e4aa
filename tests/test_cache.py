"""Tests that versioned bytes are computed once per key under load, and that a faulty cache is no worse than none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.cache import caches
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from calendar_live import cache
from testbed.waiting import wait_until

KEY = cache.key_of("calendar", "1.00000000000000aa", "full")
LATER = cache.key_of("calendar", "2.00000000000000bb", "full")


class Computation:
    """Counts its runs. If it is gated, each run waits until the gate is opened."""

    def __init__(self, answer: tuple[str, bytes] = (KEY, b"bytes"), *, gated: bool = False) -> None:
        self.answer = answer
        self.runs = 0
        self.gate = threading.Event()
        if not gated:
            self.gate.set()

    def __call__(self) -> tuple[str, bytes]:
        self.runs += 1
        assert self.gate.wait(10)
        return self.answer


def waiting_behind(key: str) -> int:
    """Return the number of threads that wait for the computation of a key."""
    future = cache._under_way.get(key)
    return 0 if future is None else len(future._condition._waiters)  # type: ignore[attr-defined]


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("calendar_live_feed_cache_lookups_total", {"result": result}) or 0


def test_bytes_are_computed_once_and_then_kept() -> None:
    compute = Computation()
    before = counted("miss"), counted("hit")
    assert [cache.get_or_compute(KEY, compute) for _ in range(3)] == [(KEY, b"bytes")] * 3
    assert compute.runs == 1
    assert (counted("miss"), counted("hit")) == (before[0] + 1, before[1] + 2)


def test_twenty_threads_that_ask_at_once_cause_one_computation() -> None:
    """Fails with twenty computations when the threads do not share one."""
    compute = Computation(gated=True)
    before = counted("shared")
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(cache.get_or_compute, KEY, compute) for _ in range(20)]
        wait_until(lambda: waiting_behind(KEY) == 19, what="nineteen threads to wait for the first")
        compute.gate.set()
        assert {answer.result(10) for answer in answers} == {(KEY, b"bytes")}
    assert compute.runs == 1
    assert counted("shared") == before + 19
    assert cache._under_way == {}


class Processes(dict[Any, Any]):
    """Keeps the computations under way for each group of threads, as if each group were a process."""

    here = threading.local()

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((self.here.name, key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((self.here.name, key), value)

    def __delitem__(self, key: Any) -> None:
        super().__delitem__((self.here.name, key))


@contextmanager
def process(name: str, threads: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(threads, initializer=lambda: setattr(Processes.here, "name", name)) as pool:
        yield pool


def test_two_processes_that_ask_at_once_cause_one_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails without the lock in the shared cache: both processes compute."""
    monkeypatch.setattr(cache, "_under_way", Processes())
    compute = Computation(gated=True)
    waits: list[str] = []
    real_await = cache._await

    def await_noticed(key: str, lock: str) -> bytes | None:
        waits.append(key)
        return real_await(key, lock)

    monkeypatch.setattr(cache, "_await", await_noticed)
    with process("first", 10) as first, process("second", 10) as second:
        answers = [pool.submit(cache.get_or_compute, KEY, compute) for pool in (first, second) for _ in range(10)]
        wait_until(lambda: compute.runs and waits, what="one process to compute and the other to wait")
        compute.gate.set()
        assert {answer.result(10) for answer in answers} == {(KEY, b"bytes")}
    assert compute.runs == 1


def test_a_process_computes_itself_when_the_one_that_began_has_died(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_LOCK_SECONDS", 0.1)
    caches["default"].add(KEY + ":lock", b"1", 60)
    assert cache.get_or_compute(KEY, Computation()) == (KEY, b"bytes")


def test_a_process_stops_waiting_when_the_other_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    caches["default"].add(KEY + ":lock", b"1", 60)
    monkeypatch.setattr("calendar_live.cache.time.sleep", lambda _: caches["default"].delete(KEY + ":lock"))
    assert cache.get_or_compute(KEY, Computation()) == (KEY, b"bytes")


def fail() -> tuple[str, bytes]:
    raise ZeroDivisionError


def test_a_computation_that_fails_fails_those_who_waited_and_nobody_after() -> None:
    """Fails when the lock in the shared cache outlives the failure: the next caller waits five seconds for nothing."""
    gate = threading.Event()

    def fail_late() -> tuple[str, bytes]:
        assert gate.wait(10)
        return fail()

    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(cache.get_or_compute, KEY, fail_late) for _ in range(3)]
        wait_until(lambda: waiting_behind(KEY) == 2, what="two threads to wait for the first")
        gate.set()
        assert [type(answer.exception(10)) for answer in answers] == [ZeroDivisionError] * 3
    assert caches["default"].get(KEY + ":lock") is None
    assert cache.get_or_compute(KEY, Computation()) == (KEY, b"bytes")


def test_bytes_true_for_a_later_key_are_kept_under_that_key_alone() -> None:
    """Fails when they are cached under the requested key: the key of an old state would then stand for new bytes."""
    later = Computation((LATER, b"new"))
    assert cache.get_or_compute(KEY, later) == (LATER, b"new")
    assert caches["default"].get(KEY) is None
    assert cache.get_or_compute(LATER, fail) == (LATER, b"new")


@pytest.mark.parametrize("garbage", ["text", 7, None, {"a": 1}, object], ids=str)
def test_what_is_no_bytes_counts_as_nothing(garbage: object) -> None:
    caches["default"].set(KEY, garbage)
    assert cache.get_or_compute(KEY, Computation()) == (KEY, b"bytes")
    assert cache.get_or_compute(KEY, fail) == (KEY, b"bytes")


def test_bytes_above_the_limit_are_not_kept(settings: Any) -> None:
    settings.CALENDAR_LIVE = {"FEED_CACHE_MAX_BYTES": 4}
    compute = Computation()
    for _ in range(2):
        assert cache.get_or_compute(KEY, compute) == (KEY, b"bytes")
    assert compute.runs == 2


@pytest.fixture
def broken(settings: Any) -> None:
    settings.CACHES = settings.CACHES | {"broken": {"BACKEND": "tests.broken_cache.BrokenCache"}}
    settings.CALENDAR_LIVE = {"CACHE": "broken"}


def test_a_cache_that_raises_is_no_worse_than_none(broken: None, caplog: pytest.LogCaptureFixture) -> None:
    compute = Computation()
    assert [cache.get_or_compute(KEY, compute) for _ in range(2)] == [(KEY, b"bytes")] * 2
    assert compute.runs == 2
    assert "The feed cache failed" in caplog.text


def test_a_redis_that_is_gone_is_no_worse_than_none(settings: Any) -> None:
    settings.CACHES = settings.CACHES | {
        "gone": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/1",
            "OPTIONS": {"SERIALIZER": "calendar_live.cache.BytesSerializer", "IGNORE_EXCEPTIONS": True},
        }
    }
    settings.CALENDAR_LIVE = {"CACHE": "gone"}
    compute = Computation()
    assert cache.get_or_compute(KEY, compute) == (KEY, b"bytes")


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_two_lists_of_parts_have_one_key_only_when_they_are_the_same(one: list[str], other: list[str]) -> None:
    assert (cache.key_of(*one) == cache.key_of(*other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"), [(["ab", "c"], ["a", "bc"]), (["a"], ["a", ""]), (["1:a,"], ["a"]), (["a,1:b"], ["a", "b"])]
)
def test_parts_that_look_alike_when_joined_have_keys_of_their_own(one: list[str], other: list[str]) -> None:
    assert cache.key_of(*one) != cache.key_of(*other)


@given(st.binary() | st.text() | st.integers(-(2**53), 2**53) | st.none())
def test_the_serializer_gives_back_what_it_took(value: object) -> None:
    serializer = cache.BytesSerializer({})
    assert serializer.loads(serializer.dumps(value)) == value


@pytest.mark.parametrize("foreign", [b"", b"x", b"\x80\x04K\x01.", b"jnot json"])
def test_the_serializer_refuses_what_it_did_not_write(foreign: bytes) -> None:
    """Above all a pickle: a program that can write to Redis must not be able to run code here."""
    with pytest.raises(ValueError):  # noqa: PT011 - every ValueError counts as nothing cached
        cache.BytesSerializer({}).loads(foreign)


def test_a_future_of_another_key_is_not_waited_for() -> None:
    cache._under_way["other"] = Future()
    try:
        assert cache.get_or_compute(KEY, Computation()) == (KEY, b"bytes")
    finally:
        del cache._under_way["other"]


def test_the_processs_own_memory_keeps_so_many_bytes_and_lets_the_oldest_go() -> None:
    """Seen failing with Django's own cache, which limits the number of entries: 2,000 feeds of 4 MB took 8 GB."""
    memory = cache.MemoryCache("bounded", {"OPTIONS": {"MAX_ENTRIES": 2_000, "MAX_BYTES": 10_000}})
    try:
        for number in range(20):
            memory.set(str(number), b"x" * 2_000)
            memory.get("0")  # read again and again, so it does not become the oldest
        assert [number for number in range(20) if memory.get(str(number)) is not None] == [0, 17, 18, 19]
        memory.set("large", b"x" * 20_000)
        assert memory.get("large") is None
        memory.set("1", b"x")
        assert memory.get("1") == b"x"
    finally:
        memory.clear()
