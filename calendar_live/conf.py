"""The app's settings: names, defaults, units and limits. The only reader of `settings.CALENDAR_LIVE`; never caches a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.http.request import validate_host

DEFAULTS: Final[dict[str, object]] = {
    # Origins (scheme://host[:port]) that may open a WebSocket. Empty: only the origin the page itself came from.
    "ORIGINS": (),
    # Alias in CHANNEL_LAYERS that carries change sets between processes.
    "CHANNEL_LAYER": "default",
    # Alias in CACHES that keeps feed bytes.
    "CACHE": "default",
    # How long feed bytes may be kept. Keys are immutable, so this bounds memory, not staleness.
    "FEED_CACHE_SECONDS": 300,
    # Feed bytes above this size are not cached.
    "FEED_CACHE_MAX_BYTES": 4_000_000,
    # How long the cache is left alone after it failed.
    "CACHE_PAUSE_SECONDS": 5.0,
    # The longest range of one feed request.
    "MAX_RANGE_DAYS": 800,
    "MAX_TITLE_LENGTH": 200,
    "MAX_LOCATION_LENGTH": 300,
    "MAX_DESCRIPTION_LENGTH": 20_000,
    "MAX_ASSIGNEES": 50,
    # Work items that one bulk call may name.
    "MAX_BULK_ITEMS": 10_000,
    # Members of one calendar.
    "MAX_MEMBERS": 500,
    # Open invitations of one calendar; also how many one user may make in a day.
    "MAX_INVITATIONS": 100,
    # How long the link of an invitation opens anything.
    "INVITATION_DAYS": 7,
    # How long to wait before an invitation is mailed to the same address again.
    "INVITATION_PAUSE_SECONDS": 60,
    # Deleted work items that one look into the trash shows.
    "MAX_TRASH_ITEMS": 500,
    # How deep parents may be nested.
    "MAX_DEPTH": 20,
    # The largest request body of the API.
    "MAX_BODY_BYTES": 1_000_000,
    # The largest frame a client may send.
    "MAX_FRAME_BYTES": 16_384,
    # Calendars that one page follows, on its socket or in one of its requests.
    "MAX_SUBSCRIPTIONS_PER_SOCKET": 1_000,
    # Open sockets of one user, per process.
    "MAX_SOCKETS_PER_USER": 50,
    # Open sockets of one public link, per process.
    "MAX_SOCKETS_PER_LINK": 200,
    # How long a request may wait for changes.
    "MAX_WAIT_SECONDS": 25,
    # Requests of one user that wait for changes, per process.
    "MAX_POLLS_PER_USER": 50,
    # Requests by one public link that wait for changes, per process.
    "MAX_POLLS_PER_LINK": 200,
    # Public links of one calendar that are not withdrawn.
    "MAX_LINKS": 20,
    # Origins whose pages may frame what one public link shows.
    "MAX_FRAME_ORIGINS": 20,
    # What may wait for one slow socket before it is closed with 4008.
    "MAX_BACKLOG_BYTES": 1_000_000,
    # Bad frames until a socket is closed with 4400.
    "MAX_BAD_FRAMES": 3,
    # How often a socket is told the heads of its calendars, and its rights are checked again.
    "HEARTBEAT_SECONDS": 25,
    # Silence after which a socket is closed with 4012.
    "SILENCE_SECONDS": 60,
    # How long a process that is told to stop lets its pages leave and its requests end.
    "DRAIN_SECONDS": 4.0,
    # How often the hub compares its heads with the database.
    "HEAD_CHECK_SECONDS": 1.0,
    # How long a broadcast may hold up the request that made the change.
    "BROADCAST_TIMEOUT_SECONDS": 0.25,
    # How long broadcasts pause after one failed.
    "BROADCAST_PAUSE_SECONDS": 5.0,
    # A change set above this many bytes is announced by its states only; hubs read it from the log.
    "MAX_BROADCAST_BYTES": 512_000,
    # A replay of more change sets or bytes than these becomes a reset.
    "MAX_REPLAY_SETS": 256,
    "MAX_REPLAY_BYTES": 512_000,
    # Clients spread their reloads after a reset over this time.
    "RESET_SPREAD_MS": 2_000,
    # Threads (and so database connections) that serve the sockets. The hub has one more of its own.
    "LIVE_THREADS": 4,
    # How long change sets are kept. The newest of each calendar stays.
    "LOG_DAYS": 7,
    # How long a deleted work item or calendar can be restored, and an invitation that ended is kept.
    "TRASH_DAYS": 30,
    # How often background work has its turn, in one process of all; 0: never, as where a timer runs `manage.py upkeep`.
    "UPKEEP_SECONDS": 600,
    # Who bears this token may read /metrics; empty: only staff (and anyone while DEBUG is on).
    "METRICS_TOKEN": "",
}


def _own() -> Mapping[str, object]:
    own: Mapping[str, object] = getattr(settings, "CALENDAR_LIVE", {})
    return own


def _read(name: str) -> object:
    return _own().get(name, DEFAULTS[name])


def unknown() -> list[str]:
    """Return the names in `settings.CALENDAR_LIVE` that are no settings."""
    return [name for name in _own() if name not in DEFAULTS]


def number(name: str) -> int:
    """Return a whole-number setting."""
    value = _read(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"CALENDAR_LIVE[{name!r}] must be a whole number, not {value!r}")
    return value


def seconds(name: str) -> float:
    """Return a duration setting in seconds."""
    value = _read(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"CALENDAR_LIVE[{name!r}] must be a number of seconds, not {value!r}")
    return float(value)


def text(name: str) -> str:
    """Return a text setting."""
    value = _read(name)
    if not isinstance(value, str):
        raise TypeError(f"CALENDAR_LIVE[{name!r}] must be text, not {value!r}")
    return value


def texts(name: str) -> tuple[str, ...]:
    """Return a setting that is a list of texts."""
    value = _read(name)
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise TypeError(f"CALENDAR_LIVE[{name!r}] must be a list of texts, not {value!r}")
    return tuple(str(one) for one in value)


def origin_allowed(origin: str, *, host: str, secure: bool) -> bool:
    """Whether a page of this origin may open a WebSocket: named in ORIGINS, else the origin that was connected to itself."""
    allowed = texts("ORIGINS")
    if allowed:
        return origin in allowed
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    hosts = settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    same = f"{'https' if secure else 'http'}://{host}"
    return origin == same and bool(validate_host(name, hosts))


def forwarded_header() -> tuple[bytes, bytes] | None:
    """Return the header, and its value, by which a trusted proxy says that it was asked over TLS."""
    setting = settings.SECURE_PROXY_SSL_HEADER
    if setting is None:
        return None
    name, value = setting
    return name.removeprefix("HTTP_").replace("_", "-").lower().encode(), value.encode()


def session_cookie() -> str:
    """Return the name of Django's session cookie."""
    return settings.SESSION_COOKIE_NAME


def debug() -> bool:
    """Whether this is somebody's trial on their own machine."""
    return bool(settings.DEBUG)
