"""Defines every anticipated failure as a class with a stable code. wording.py has their sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar


@dataclass(init=False, slots=True)
class Fault:
    """Why something is refused: a stable key, and the values that its sentence in wording.py names."""

    key: str
    params: dict[str, object]

    def __init__(self, key: str, /, **params: object) -> None:
        self.key, self.params = key, params

    def __str__(self) -> str:
        """Return the key and the values, for logs and tests: `too_long (limit=200)`."""
        named = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.key} ({named})" if named else self.key


class BadValue(ValueError):
    """A value is not acceptable; `fault` says why. A caller that knows the value's field turns this into `Invalid`."""

    def __init__(self, key: str, /, **params: object) -> None:
        self.fault = Fault(key, **params)
        super().__init__(str(self.fault))


class CalendarLiveError(Exception):
    """Base of all anticipated failures.

    `code` is part of the API. `fault` is the reason. Its key is the code, unless the code has several reasons.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    # How long to wait before the same request may succeed. None: waiting does not help.
    retry_after_seconds: int | None = None

    def __init__(
        self, reason: str | Fault = "", /, *, fields: Mapping[str, Sequence[Fault]] | None = None, **params: object
    ) -> None:
        self.fault = reason if isinstance(reason, Fault) else Fault(reason or self.code, **params)
        self.fields = {name: list(faults) for name, faults in (fields or {}).items()}
        super().__init__(reason)

    @property
    def reason(self) -> str:
        return self.fault.key

    def __str__(self) -> str:
        """Return the code, the reason and the fields at fault, for logs and tests.

        For example, `not_found: no_item` or `invalid: title: required`.
        """
        said = [] if self.fault == Fault(self.code) else [str(self.fault)]
        said += [f"{name}: {fault}" for name, faults in self.fields.items() for fault in faults]
        return f"{self.code}: {'; '.join(said)}" if said else self.code


class Malformed(CalendarLiveError):
    """The bytes violate the protocol: bad JSON, an unknown frame, a bad header."""

    code = "malformed"
    status = 400


class SignedOut(CalendarLiveError):
    code = "signed_out"
    status = 401


class Forbidden(CalendarLiveError):
    code = "forbidden"
    status = 403


class NotFound(CalendarLiveError):
    """What was asked for does not exist, or this user may not see it. The answer does not tell which."""

    code = "not_found"
    status = 404


class WrongMethod(CalendarLiveError):
    code = "wrong_method"
    status = 405


class AlreadyExists(CalendarLiveError):
    code = "already_exists"
    status = 409


class AlreadyMember(CalendarLiveError):
    code = "already_member"
    status = 409


class CannotCalculateChanges(CalendarLiveError):
    """The changes since the given state cannot be calculated (RFC 8620 §5.2).

    `reason` is `pruned`, `bulk`, or `diverged` if the state belongs to another history.
    """

    code = "cannot_calculate_changes"
    status = 410

    def __init__(self, reason: str = "diverged", /) -> None:
        super().__init__(reason)


class Stale(CalendarLiveError):
    """`If-Match` names a state that the item no longer has. `current` is the item's wire, or None if it is deleted."""

    code = "stale"
    status = 412

    def __init__(self, reason: str = "", /, *, current: str | None = None) -> None:
        super().__init__(reason)
        self.current = current


class TooLarge(CalendarLiveError):
    code = "too_large"
    status = 413


class Invalid(CalendarLiveError):
    """The request is well-formed, but a field's value is not acceptable. `fields` says which one and why."""

    code = "invalid"
    status = 422

    @classmethod
    @contextmanager
    def below(cls, place: str) -> Iterator[None]:
        """Prefix the field names of a failure raised in this block with `place`, one of several parts of a request."""
        try:
            yield
        except cls as failure:
            fields = {f"{place}.{name}": faults for name, faults in failure.fields.items()}
            raise cls(fields=fields) from failure


class KeyReused(CalendarLiveError):
    """An `Idempotency-Key` was used again for another request."""

    code = "key_reused"
    status = 422


class TooMany(CalendarLiveError):
    code = "too_many"
    status = 429

    def __init__(self, reason: str = "", /, *, retry_after_seconds: int = 1, **params: object) -> None:
        super().__init__(Fault(reason or self.code, **params))
        self.retry_after_seconds = retry_after_seconds


class NotYet(CalendarLiveError):
    """This server's database has not reached the requested revision (a lagging replica or a restored back-up)."""

    code = "not_yet"
    status = 503
    retry_after_seconds = 1


class Unavailable(CalendarLiveError):
    """The database is away, or a lock was not released in time.

    The request may have been carried out nevertheless. To find out, the client sends it again under the same key.
    """

    code = "unavailable"
    status = 503
    retry_after_seconds = 1
