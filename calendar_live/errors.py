"""Every failure calendar_live anticipates, one class each, with a stable code; never knows a transport beyond its HTTP status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar


class CalendarLiveError(Exception):
    """Base of all anticipated failures. `code` is part of the API; `detail` is text for people."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    default_detail: ClassVar[str] = "The request could not be carried out."
    # When the same request may succeed; None: not by waiting.
    retry_after_seconds: int | None = None

    def __init__(self, detail: str = "", *, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        self.detail = detail or self.default_detail
        self.fields = {name: list(messages) for name, messages in (fields or {}).items()}
        super().__init__(self.detail)

    def as_json(self) -> dict[str, object]:
        """Return `{"code", "detail"}`, and `fields` (wire name -> messages) when a field is to blame."""
        body: dict[str, object] = {"code": self.code, "detail": self.detail}
        if self.fields:
            body["fields"] = self.fields
        return body


class Malformed(CalendarLiveError):
    """The bytes are not what the protocol says: bad JSON, an unknown frame, a bad header."""

    code = "malformed"
    status = 400
    default_detail = "The request is malformed."


class SignedOut(CalendarLiveError):
    code = "signed_out"
    status = 401
    default_detail = "Sign in first."


class Forbidden(CalendarLiveError):
    code = "forbidden"
    status = 403
    default_detail = "You may not do this."


class NotFound(CalendarLiveError):
    """Absent, or not visible to this user: the two are not told apart."""

    code = "not_found"
    status = 404
    default_detail = "There is nothing here that you may see."


class WrongMethod(CalendarLiveError):
    code = "wrong_method"
    status = 405
    default_detail = "This address does not know this method."


class AlreadyExists(CalendarLiveError):
    code = "already_exists"
    status = 409
    default_detail = "A work item with this id exists already."


class AlreadyMember(CalendarLiveError):
    code = "already_member"
    status = 409
    default_detail = "This person is in the calendar already."


class CannotCalculateChanges(CalendarLiveError):
    """The state given cannot be verified: `reason` is `pruned`, or `diverged` when it is of another history (RFC 8620 §5.2)."""

    code = "cannot_calculate_changes"
    status = 410
    default_detail = "Changes since that state are not known; load the feed again."

    def __init__(self, reason: str = "diverged") -> None:
        super().__init__()
        self.reason = reason


class Stale(CalendarLiveError):
    """`If-Match` names a state that is no longer the item's. `current` is the item's wire, or None when it is deleted."""

    code = "stale"
    status = 412
    default_detail = "Someone changed this work item meanwhile."

    def __init__(self, detail: str = "", *, current: str | None = None) -> None:
        super().__init__(detail)
        self.current = current


class TooLarge(CalendarLiveError):
    code = "too_large"
    status = 413
    default_detail = "The request is too large."


class Invalid(CalendarLiveError):
    """Well-formed, but a field's value is not acceptable; `fields` says which and why."""

    code = "invalid"
    status = 422
    default_detail = "Some fields are not valid."

    @classmethod
    @contextmanager
    def below(cls, place: str) -> Iterator[None]:
        """Name the fields of a failure raised in this block as fields of `place`, one of many things in a request."""
        try:
            yield
        except cls as failure:
            fields = {f"{place}.{name}": messages for name, messages in failure.fields.items()}
            raise cls(fields=fields) from failure


class KeyReused(CalendarLiveError):
    """An `Idempotency-Key` came back with another request."""

    code = "key_reused"
    status = 422
    default_detail = "This Idempotency-Key was used for a different request."


class TooMany(CalendarLiveError):
    code = "too_many"
    status = 429
    default_detail = "Too many; try again later."

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class NotYet(CalendarLiveError):
    """This server's database has not reached the asked-for revision (a lagging replica or a restored back-up)."""

    code = "not_yet"
    status = 503
    default_detail = "This revision is not here yet; try again shortly."
    retry_after_seconds = 1


class Unavailable(CalendarLiveError):
    """The database is away, or a lock was waited for in vain. Whether anything was done is told by the same request again, with its key."""

    code = "unavailable"
    status = 503
    default_detail = "The database is busy or away; try again shortly."
    retry_after_seconds = 1
