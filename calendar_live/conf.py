"""Reads the app's settings, and checks their types. Lists their defaults. No other module reads Django's settings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar, cast

from django.conf import settings
from django.http.request import validate_host

T = TypeVar("T")


def _own() -> Mapping[str, object]:
    own: Mapping[str, object] = getattr(settings, "CALENDAR_LIVE", {})
    return own


class _Setting(Generic[T]):
    """One entry of `settings.CALENDAR_LIVE`, which is read again on each access."""

    kinds: tuple[type, ...]
    wanted: str

    def __init__(self, default: T) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, app: object, owner: type | None = None) -> T:
        value = _own().get(self.name, self.default)
        if not isinstance(value, self.kinds) or isinstance(value, bool):
            raise TypeError(f"CALENDAR_LIVE[{self.name!r}] must be {self.wanted}, not {value!r}")
        return self.read(value)

    def read(self, value: Any) -> T:  # an instance of one of `kinds`
        """Return a value of the right type in the form in which the app uses it."""
        return cast(T, value)


class _Whole(_Setting[int]):
    kinds, wanted = (int,), "a whole number"


class _Seconds(_Setting[float]):
    kinds, wanted = (int, float), "a number of seconds"


class _Text(_Setting[str]):
    kinds, wanted = (str,), "text"


class _Texts(_Setting[tuple[str, ...]]):
    kinds, wanted = (list, tuple), "a list of texts"

    def read(self, value: Any) -> tuple[str, ...]:
        return tuple(map(str, value))


class _App:
    # Origins (scheme://host[:port]) whose pages may open a WebSocket. If empty, only the origin that the browser
    # connected to.
    ORIGINS = _Texts(())
    # Alias in CHANNEL_LAYERS that carries change sets between processes.
    CHANNEL_LAYER = _Text("default")
    # Alias in CACHES that stores feed bytes.
    CACHE = _Text("default")
    # How long feed bytes may be kept. Keys are immutable, so this bounds memory, not staleness.
    FEED_CACHE_SECONDS = _Whole(300)
    # Feed bytes above this size are not cached.
    FEED_CACHE_MAX_BYTES = _Whole(4_000_000)
    # How long the cache is not used after it failed.
    CACHE_PAUSE_SECONDS = _Seconds(5.0)
    # The longest range of one feed request.
    MAX_RANGE_DAYS = _Whole(800)
    MAX_TITLE_LENGTH = _Whole(200)
    MAX_LOCATION_LENGTH = _Whole(300)
    MAX_DESCRIPTION_LENGTH = _Whole(20_000)
    MAX_ASSIGNEES = _Whole(50)
    # Work items that one bulk call may name.
    MAX_BULK_ITEMS = _Whole(10_000)
    # Members of one calendar.
    MAX_MEMBERS = _Whole(500)
    # Open invitations of one calendar; also the number of invitations that one user may create in a day.
    MAX_INVITATIONS = _Whole(100)
    # How long the link of an invitation works.
    INVITATION_DAYS = _Whole(7)
    # How long to wait before the same invitation is mailed to an address again.
    INVITATION_PAUSE_SECONDS = _Whole(60)
    # Deleted work items that the trash shows.
    MAX_TRASH_ITEMS = _Whole(500)
    # How deep parents may be nested.
    MAX_DEPTH = _Whole(20)
    # The largest request body of the API.
    MAX_BODY_BYTES = _Whole(1_000_000)
    # The largest frame a client may send.
    MAX_FRAME_BYTES = _Whole(16_384)
    # Calendars that one page may follow, on its socket or in one of its requests.
    MAX_SUBSCRIPTIONS_PER_SOCKET = _Whole(1_000)
    # Open sockets of one user, per process.
    MAX_SOCKETS_PER_USER = _Whole(50)
    # Open sockets of one public link, per process.
    MAX_SOCKETS_PER_LINK = _Whole(200)
    # How long a request may wait for changes.
    MAX_WAIT_SECONDS = _Whole(25)
    # Requests of one user that wait for changes, per process.
    MAX_POLLS_PER_USER = _Whole(50)
    # Requests with one public link that wait for changes, per process.
    MAX_POLLS_PER_LINK = _Whole(200)
    # Public links of one calendar that are not withdrawn.
    MAX_LINKS = _Whole(20)
    # Origins whose pages may frame what one public link shows.
    MAX_FRAME_ORIGINS = _Whole(20)
    # The backlog that one slow socket may have before it is closed with 4008.
    MAX_BACKLOG_BYTES = _Whole(1_000_000)
    # The number of bad frames after which a socket is closed with 4400.
    MAX_BAD_FRAMES = _Whole(3)
    # How often a socket is told the heads of its calendars, and how often its rights are checked again.
    HEARTBEAT_SECONDS = _Whole(25)
    # Silence after which a socket is closed with 4012.
    SILENCE_SECONDS = _Whole(60)
    # How long a process that is told to stop waits for its pages to leave and its requests to finish.
    DRAIN_SECONDS = _Seconds(4.0)
    # How often the hub compares its heads with the database.
    HEAD_CHECK_SECONDS = _Seconds(1.0)
    # How long a broadcast may delay the request that made the change.
    BROADCAST_TIMEOUT_SECONDS = _Seconds(0.25)
    # How long no broadcasts are sent after one failed.
    BROADCAST_PAUSE_SECONDS = _Seconds(5.0)
    # For a change set of more bytes than this, only its states are announced; hubs read the rest from the log.
    MAX_BROADCAST_BYTES = _Whole(512_000)
    # A replay of more change sets or bytes than these becomes a reset.
    MAX_REPLAY_SETS = _Whole(256)
    MAX_REPLAY_BYTES = _Whole(512_000)
    # Clients spread their reloads after a reset over this time.
    RESET_SPREAD_MS = _Whole(2_000)
    # Threads (and so database connections) that serve the sockets. The hub has one more of its own.
    LIVE_THREADS = _Whole(4)
    # How long change sets are kept. The newest of each calendar stays.
    LOG_DAYS = _Whole(7)
    # How long a deleted work item or calendar can be restored, and an invitation that ended is kept.
    TRASH_DAYS = _Whole(30)
    # How often one of all processes does the background work. 0 means never, as when a timer runs `manage.py upkeep`.
    UPKEEP_SECONDS = _Whole(600)
    # A request that bears this token may read /metrics. If empty, only staff may (and anyone while DEBUG is on).
    METRICS_TOKEN = _Text("")


# Read a setting as `conf.app.MAX_DEPTH`. Raises TypeError if the site's value has another type.
app: Final = _App()

DEFAULTS: Final[Mapping[str, object]] = {
    name: setting.default for name, setting in vars(_App).items() if isinstance(setting, _Setting)
}


def unknown() -> list[str]:
    """Return the names in `settings.CALENDAR_LIVE` that are not settings of the app."""
    return [name for name in _own() if name not in DEFAULTS]


def origin_allowed(origin: str, *, host: str, secure: bool) -> bool:
    """Whether a page of this origin may open a WebSocket.

    Pages of the origins in ORIGINS may. If ORIGINS is empty, only pages of the origin that the browser connected to
    may, if ALLOWED_HOSTS allows its host.
    """
    allowed = app.ORIGINS
    if allowed:
        return origin in allowed
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    hosts = settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    same = f"{'https' if secure else 'http'}://{host}"
    return origin == same and bool(validate_host(name, hosts))


def forwarded_header() -> tuple[bytes, bytes] | None:
    """Return the header and the value by which a trusted proxy reports that the client connected over TLS, if any."""
    setting = settings.SECURE_PROXY_SSL_HEADER
    if setting is None:
        return None
    name, value = setting
    return name.removeprefix("HTTP_").replace("_", "-").lower().encode(), value.encode()


def session_cookie() -> str:
    """Return the name of Django's session cookie."""
    return settings.SESSION_COOKIE_NAME


def debug() -> bool:
    """Whether DEBUG is on, as for a trial on the user's own machine."""
    return bool(settings.DEBUG)


def session_engine() -> str:
    """Return the module of Django's session store."""
    return settings.SESSION_ENGINE


def saves_every_session() -> bool:
    """Whether Django saves the session at the end of each request, even if it has not changed."""
    return settings.SESSION_SAVE_EVERY_REQUEST


def csrf_token_in_session() -> bool:
    """Whether Django keeps the CSRF token in the session instead of a cookie."""
    return settings.CSRF_USE_SESSIONS


def cache_aliases() -> Collection[str]:
    """Return the aliases in CACHES."""
    return settings.CACHES


def layer_aliases() -> Collection[str]:
    """Return the aliases in CHANNEL_LAYERS."""
    layers: Collection[str] = getattr(settings, "CHANNEL_LAYERS", {})
    return layers


@contextmanager
def middlewares_replaced(instead: Mapping[str, str]) -> Iterator[None]:
    """Replace middlewares in MIDDLEWARE, by name, while Django's application is being made in this block."""
    named = settings.MIDDLEWARE
    settings.MIDDLEWARE = [instead.get(name, name) for name in named]
    try:
        yield
    finally:
        settings.MIDDLEWARE = named
