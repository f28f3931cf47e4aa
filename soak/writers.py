"""Writes over HTTP: each writer is a thread that acts as one user.

Each write has a key of its own, and is repeated until it has a definite answer.
"""

from __future__ import annotations

from random import Random
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import httpx

from testbed.farm import now_ms

from .book import Book, Mutation
from .seed import CSRF, Member
from .world import Call, World

# A node that is stopped keeps a request for ten seconds. The writer gives up before that and asks again elsewhere.
ANSWER_TIMEOUT_SECONDS: Final = 6
RETRY_SECONDS: Final = 0.3
# With these statuses, the server itself says that the request may be tried again.
_AGAIN: Final = frozenset({408, 425, 429})


class Writers:
    """Threads that write at a common rate until the context ends. They can be paused between two writes."""

    def __init__(
        self, members: list[Member], *, site: str, world: World, book: Book, per_second: float, seed: int
    ) -> None:
        self._world, self._book, self._site = world, book, site
        self._each_seconds = len(members) / per_second
        self._stopping, self._idle = Event(), Condition()
        self._paused, self._busy = False, 0
        self.errors: list[str] = []
        self._threads = [
            Thread(target=self._write, args=(member, Random(f"{seed} {number}")), name=f"writer-{number}", daemon=True)
            for number, member in enumerate(members)
        ]

    def _write(self, member: Member, dice: Random) -> None:
        headers = {"Cookie": member.cookies, "X-CSRFToken": CSRF, "Origin": self._site, "Referer": f"{self._site}/"}
        with httpx.Client(base_url=self._site, headers=headers, timeout=ANSWER_TIMEOUT_SECONDS) as client:
            while not self._stopping.wait(dice.expovariate(1 / self._each_seconds)):
                with self._idle:
                    if self._paused:
                        continue
                    self._busy += 1
                try:
                    self._write_once(client, self._world.choose(member, dice))
                except Exception as error:  # a writer that ended would only make the run quieter
                    self.errors.append(f"{type(error).__name__}: {error}")
                finally:
                    with self._idle:
                        self._busy -= 1
                        self._idle.notify_all()

    def _write_once(self, client: httpx.Client, call: Call) -> None:
        mutation = Mutation(uuid4(), call.kind)
        self._book.begin(mutation)
        while True:
            mutation.attempts += 1
            answer = self._ask(client, call, mutation)
            if answer is not None:
                break
            if self._stopping.wait(RETRY_SECONDS):
                return
        if answer.is_success:
            states = _states(answer, call)
            self._book.acknowledge(mutation, states=states, at_ms=now_ms())
            self._world.done(call, states=states)
        else:
            self._book.refuse(mutation, status=answer.status_code)
            self._world.refused(call, current=_current(answer))

    def _ask(self, client: httpx.Client, call: Call, mutation: Mutation) -> httpx.Response | None:
        """Return a definite answer, or None if it is unknown what became of the request."""
        headers = {**call.headers, "Idempotency-Key": str(mutation.key)}
        try:
            answer = client.request(call.method, call.path, json=call.body, headers=headers)
        except httpx.HTTPError as error:
            self._book.failed(type(error).__name__)
            return None
        if answer.status_code >= 500 or answer.status_code in _AGAIN:
            self._book.failed(f"{answer.status_code}")
            return None
        return answer

    def pause(self, *, timeout_seconds: float = 60) -> None:
        """Prevent further writes, and wait until all that have begun are answered. Raises TimeoutError."""
        with self._idle:
            self._paused = True
            if not self._idle.wait_for(lambda: self._busy == 0, timeout_seconds):
                raise TimeoutError(f"{self._busy} writes had no answer within {timeout_seconds} s")

    def resume(self) -> None:
        with self._idle:
            self._paused = False

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(ANSWER_TIMEOUT_SECONDS + 1)


def _states(answer: httpx.Response, call: Call) -> dict[str, str]:
    states = {call.to or call.calendar: answer.headers["Calendar-State"]}
    if call.to is not None:
        states[call.calendar] = answer.headers["Left-State"]
    return states


def _current(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        current = answer.json().get("current")
    except ValueError:
        return None
    return current if isinstance(current, dict) and "state" in current else None
