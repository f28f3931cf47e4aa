"""Versioned bytes: keep what was computed for an immutable key, once per key under load. Never knows what the bytes mean."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import orjson
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from prometheus_client import Counter, Histogram

from . import conf
from .breaker import Breaker

logger = logging.getLogger(__name__)

T = TypeVar("T")

lookups = Counter("calendar_live_feed_cache_lookups_total", "Feed bytes asked of the cache.", ["result"])
cold_seconds = Histogram("calendar_live_feed_cold_seconds", "Time to compute feed bytes that were not cached.")

failures = Counter("calendar_live_feed_cache_failures_total", "Failures of the cache, after which it is left alone.")
spoilt = Counter("calendar_live_feed_cache_spoilt_total", "What lay under a feed's key and was not written for it.")

breaker = Breaker()

_LOCK_SECONDS: Final = 5  # a computation that takes longer is done twice: better than waiting on a dead process
_WAIT_SECONDS: Final = 0.02
_SEAL_BYTES: Final = 4
_MEMORY_BYTES: Final = 100_000_000

_under_way: dict[str, Future[tuple[str, bytes]]] = {}
_guard = threading.Lock()


def key_of(*parts: object) -> str:
    """Return a short cache key for parts that together name the bytes. Unambiguous whatever the parts contain."""
    joined = "".join(f"{len(text)}:{text}," for text in map(str, parts))
    return "calendar_live:feed2:" + hashlib.sha256(joined.encode()).hexdigest()


def get_or_compute(key: str, compute: Callable[[], tuple[str, bytes]]) -> tuple[str, bytes]:
    """Return the (key, bytes) kept for a key, else compute them, once for all who ask meanwhile.

    `compute` returns the key its bytes are true for, which may be a later one than was asked for; they are kept under that.
    """
    kept = _read(key)
    if kept is not None:
        lookups.labels("hit").inc()
        return key, kept
    with _guard:
        future = _under_way.get(key)
        leads = future is None
        if future is None:
            future = _under_way[key] = Future()
    if not leads:
        lookups.labels("shared").inc()
        return future.result()
    try:
        future.set_result(_lead(key, compute))
    except BaseException as error:  # whatever it was: those who wait for it must not wait for ever
        future.set_exception(error)
        raise
    finally:
        with _guard:
            del _under_way[key]
    return future.result()


def _lead(key: str, compute: Callable[[], tuple[str, bytes]]) -> tuple[str, bytes]:
    """Compute for this process, unless another process is at it: then wait for its bytes."""
    lock = key + ":lock"
    store = caches[conf.app.CACHE]
    if not _quietly(lambda: store.add(lock, b"1", _LOCK_SECONDS), True):
        kept = _await(key, lock)
        if kept is not None:
            lookups.labels("hit").inc()
            return key, kept
    lookups.labels("miss").inc()
    try:
        with cold_seconds.time():
            true_key, computed = compute()
        if len(computed) <= conf.app.FEED_CACHE_MAX_BYTES:
            _quietly(lambda: store.set(true_key, _sealed(true_key, computed), conf.app.FEED_CACHE_SECONDS), None)
    finally:  # also when it failed: nobody is to wait for it
        _quietly(lambda: store.delete(lock), None)
    return true_key, computed


def _await(key: str, lock: str) -> bytes | None:
    """Return what the process that holds the lock computes, or None when it gave up (or the cache is no cache)."""
    store = caches[conf.app.CACHE]
    deadline = time.monotonic() + _LOCK_SECONDS
    while time.monotonic() < deadline:
        kept = _read(key)
        if kept is not None or _quietly(lambda: store.get(lock), None) is None:
            return kept
        time.sleep(_WAIT_SECONDS)
    return None


def _read(key: str) -> bytes | None:
    """Return the bytes kept for a key; anything else found there (or a broken cache) counts as nothing."""
    found = _quietly(lambda: caches[conf.app.CACHE].get(key), None)
    if found is None:
        return None
    if not isinstance(found, bytes) or found[:_SEAL_BYTES] != _seal(key, found[_SEAL_BYTES:]):
        spoilt.inc()
        return None
    return found[_SEAL_BYTES:]


def _seal(key: str, kept: bytes) -> bytes:
    return zlib.crc32(kept, zlib.crc32(key.encode())).to_bytes(_SEAL_BYTES)


def _sealed(key: str, kept: bytes) -> bytes:
    """Return what is stored: a cache may cut bytes short, or hold those of another key, and they must not be served."""
    return _seal(key, kept) + kept


def _quietly(ask: Callable[[], T], otherwise: T) -> T:
    """Ask the cache, unless it has just failed. A failure is told once a pause, and never fails a request."""
    if breaker.is_open(time.monotonic()):
        return otherwise
    try:
        return ask()
    except Exception as failure:  # backends raise errors of their own clients: the cache is never a dependency
        if _is_of_the_key(failure):
            spoilt.inc()
            return otherwise
        failures.inc()
        pause = conf.app.CACHE_PAUSE_SECONDS
        if breaker.trip(time.monotonic(), pause):
            logger.warning(
                "The feed cache failed, and is left alone for %g s: %s: %s", pause, type(failure).__name__, failure
            )
        return otherwise


def _is_of_the_key(failure: Exception) -> bool:
    """Whether only what lies under this key is to blame: the serializer refused it, or Redis has a list there. `set` mends it."""
    return isinstance(failure, ValueError) or "WRONGTYPE" in str(failure)


class MemoryCache(LocMemCache):
    """Django's, in the process's own memory, bounded by `MAX_BYTES` too: whoever sees a calendar may ask for ever other ranges of it."""

    _cache: OrderedDict[str, bytes]  # Django's own, of which django-stubs says nothing
    _expire_info: dict[str, float | None]

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, params)
        self._max_bytes = int(params.get("OPTIONS", {}).get("MAX_BYTES", _MEMORY_BYTES))

    def _set(self, key: str, value: bytes, *args: Any) -> None:
        super()._set(key, value, *args)  # type: ignore[misc]  # as above
        kept = sum(len(one) for one in self._cache.values())
        while kept > self._max_bytes:
            oldest, dropped = self._cache.popitem()  # what was asked for longest ago
            del self._expire_info[oldest]
            kept -= len(dropped)


class BytesSerializer:
    """Stores bytes as they are in Redis, and everything else as JSON: never pickle, which would run what it reads."""

    def __init__(self, options: object) -> None:
        pass

    def dumps(self, value: object) -> bytes:
        return b"b" + value if isinstance(value, bytes) else b"j" + orjson.dumps(value)

    def loads(self, value: bytes) -> object:
        """Return what was stored. Raises ValueError on anything else, which counts as nothing."""
        kind, rest = value[:1], value[1:]
        if kind == b"b":
            return rest
        if kind == b"j":
            return orjson.loads(rest)
        raise ValueError("not written by this serializer")
