"""Caches bytes under keys whose meaning never changes, and computes them once for all who ask."""

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

_LOCK_SECONDS: Final = 5  # a longer computation is done twice, which is better than waiting for a dead process
_WAIT_SECONDS: Final = 0.02
_SEAL_BYTES: Final = 4
_MEMORY_BYTES: Final = 100_000_000

_under_way: dict[str, Future[tuple[str, bytes]]] = {}
_guard = threading.Lock()


def key_of(*parts: object) -> str:
    """Return a short cache key for the parts that together name the bytes. It is unambiguous, whatever they contain."""
    joined = "".join(f"{len(text)}:{text}," for text in map(str, parts))
    return "calendar_live:feed2:" + hashlib.sha256(joined.encode()).hexdigest()


def get_or_compute(key: str, compute: Callable[[], tuple[str, bytes]]) -> tuple[str, bytes]:
    """Return the (key, bytes) that are cached for a key, or compute them, once for everybody who asks meanwhile.

    `compute` returns its bytes with the key that they are true for. That may be a later key than the one asked for. The
    bytes are cached under the key that `compute` returns.
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
    except BaseException as error:  # of any kind: the threads that share this future must not wait for ever
        future.set_exception(error)
        raise
    finally:
        with _guard:
            del _under_way[key]
    return future.result()


def _lead(key: str, compute: Callable[[], tuple[str, bytes]]) -> tuple[str, bytes]:
    """Compute the bytes, or wait for those of another process if it is computing them already."""
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
    finally:  # also after a failure: no other process may wait for these bytes
        _quietly(lambda: store.delete(lock), None)
    return true_key, computed


def _await(key: str, lock: str) -> bytes | None:
    """Return what the process that holds the lock computes, or None if it fails or the cache stores nothing."""
    store = caches[conf.app.CACHE]
    deadline = time.monotonic() + _LOCK_SECONDS
    while time.monotonic() < deadline:
        kept = _read(key)
        if kept is not None or _quietly(lambda: store.get(lock), None) is None:
            return kept
        time.sleep(_WAIT_SECONDS)
    return None


def _read(key: str) -> bytes | None:
    """Return the bytes that are cached for a key. Any other value found there counts as none."""
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
    """Return bytes with a seal. A cache may truncate them or confuse keys, and such bytes must not be served."""
    return _seal(key, kept) + kept


def _quietly(ask: Callable[[], T], otherwise: T) -> T:
    """Ask the cache, unless it has just failed. A failure is logged once per pause, and never fails a request."""
    if breaker.is_open(time.monotonic()):
        return otherwise
    try:
        return ask()
    except Exception as failure:  # the backend's client may raise anything; the site works without its cache
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
    """Whether only this key's value is at fault: it is unreadable, or a list in Redis. `set` replaces such a value."""
    return isinstance(failure, ValueError) or "WRONGTYPE" in str(failure)


class MemoryCache(LocMemCache):
    """Django's cache in the process's own memory, limited by `MAX_BYTES` as well.

    Without that limit, a receiver could fill the memory by asking for many ranges of a calendar.
    """

    _cache: OrderedDict[str, bytes]  # an attribute of Django's that django-stubs does not declare
    _expire_info: dict[str, float | None]

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, params)
        self._max_bytes = int(params.get("OPTIONS", {}).get("MAX_BYTES", _MEMORY_BYTES))

    def _set(self, key: str, value: bytes, *args: Any) -> None:
        super()._set(key, value, *args)  # type: ignore[misc]  # as above
        kept = sum(len(one) for one in self._cache.values())
        while kept > self._max_bytes:
            oldest, dropped = self._cache.popitem()  # the least recently used
            del self._expire_info[oldest]
            kept -= len(dropped)


class BytesSerializer:
    """Stores bytes in Redis as they are, and everything else as JSON. Pickle would run code that it reads."""

    def __init__(self, options: object) -> None:
        pass

    def dumps(self, value: object) -> bytes:
        return b"b" + value if isinstance(value, bytes) else b"j" + orjson.dumps(value)

    def loads(self, value: bytes) -> object:
        """Return what was stored. Raises ValueError for anything else."""
        kind, rest = value[:1], value[1:]
        if kind == b"b":
            return rest
        if kind == b"j":
            return orjson.loads(rest)
        raise ValueError("not written by this serializer")
