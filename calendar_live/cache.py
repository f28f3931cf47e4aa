"""Versioned bytes: keep what was computed for an immutable key, once per key under load. Never knows what the bytes mean."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

import orjson
from django.core.cache import caches
from prometheus_client import Counter, Histogram

from . import conf

logger = logging.getLogger(__name__)

T = TypeVar("T")

lookups = Counter("calendar_live_feed_cache_lookups_total", "Feed bytes asked of the cache.", ["result"])
cold_seconds = Histogram("calendar_live_feed_cold_seconds", "Time to compute feed bytes that were not cached.")

_LOCK_SECONDS: Final = 5  # a computation that takes longer is done twice: better than waiting on a dead process
_WAIT_SECONDS: Final = 0.02

_under_way: dict[str, Future[tuple[str, bytes]]] = {}
_guard = threading.Lock()


def key_of(*parts: object) -> str:
    """Return a short cache key for parts that together name the bytes. Unambiguous whatever the parts contain."""
    joined = "".join(f"{len(text)}:{text}," for text in map(str, parts))
    return "calendar_live:feed:" + hashlib.sha256(joined.encode()).hexdigest()


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
    except BaseException as error:
        future.set_exception(error)
        raise
    finally:
        with _guard:
            del _under_way[key]
    return future.result()


def _lead(key: str, compute: Callable[[], tuple[str, bytes]]) -> tuple[str, bytes]:
    """Compute for this process, unless another process is at it: then wait for its bytes."""
    lock = key + ":lock"
    store = caches[conf.text("CACHE")]
    if not _quietly(lambda: store.add(lock, b"1", _LOCK_SECONDS), True):
        kept = _await(key, lock)
        if kept is not None:
            lookups.labels("hit").inc()
            return key, kept
    lookups.labels("miss").inc()
    try:
        with cold_seconds.time():
            true_key, computed = compute()
        if len(computed) <= conf.number("FEED_CACHE_MAX_BYTES"):
            _quietly(lambda: store.set(true_key, computed, conf.number("FEED_CACHE_SECONDS")), None)
    finally:  # also when it failed: nobody is to wait for it
        _quietly(lambda: store.delete(lock), None)
    return true_key, computed


def _await(key: str, lock: str) -> bytes | None:
    """Return what the process that holds the lock computes, or None when it gave up (or the cache is no cache)."""
    store = caches[conf.text("CACHE")]
    deadline = time.monotonic() + _LOCK_SECONDS
    while time.monotonic() < deadline:
        kept = _read(key)
        if kept is not None or _quietly(lambda: store.get(lock), None) is None:
            return kept
        time.sleep(_WAIT_SECONDS)
    return None


def _read(key: str) -> bytes | None:
    """Return the bytes under a key; anything else found there (or a broken cache) counts as nothing."""
    found = _quietly(lambda: caches[conf.text("CACHE")].get(key), None)
    return found if isinstance(found, bytes) else None


def _quietly(ask: Callable[[], T], otherwise: T) -> T:
    """Ask the cache; a cache that fails, in whatever way its backend does, is logged and never fails a request."""
    try:
        return ask()
    except Exception:  # backends raise errors of their own clients: the cache is never a dependency
        logger.warning("The feed cache failed", exc_info=True)
        return otherwise


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
