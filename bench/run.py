"""Carries out a run: the servers get the same deletions in turns. Returns figures and prints nothing."""

from __future__ import annotations

import gc
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final, Literal
from uuid import uuid4

from bench import machine, processes
from bench.audience import Audience, Ear, Manner
from bench.figures import Round, Row
from bench.processes import Server
from bench.seed import Cast
from testbed.servers import Redis, free_port

Layer = Literal["redis", "memory"]
Say = Callable[[str], None]  # reports progress

OURS: Final = "calendar_live"
TEXTBOOK: Final = "textbook"
PLAIN: Final = "bare sockets"
NO_LAYER: Final = "none"

SOCKETS_PER_PERSON: Final = 25  # calendar_live allows 50
ALONE_DELETIONS: Final = 3
FIRST_SOCKETS: Final = 20  # what a server loads for its first sockets must not count as the cost of the others
PAUSE_SECONDS: Final = 0.2
HEAD_CHECK_DELETIONS: Final = 5  # each at a later moment between two head checks, which are a second apart
ROUND_TIMEOUT_SECONDS: Final = 15.0  # later deliveries count as lost: ten times what calendar_live promises


@dataclass(frozen=True, slots=True)
class Options:
    """The size of a run."""

    sockets: int = 1000
    rounds: int = 15
    layers: tuple[Layer, ...] = ("redis", "memory")
    warm_up_rounds: int = 3
    settle_seconds: float = 2.0
    idle_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run. `others_share` is the part of the machine that other processes used during the rounds.

    `without_redis` are the deletions on calendar_live after its Redis was killed.
    """

    options: Options
    rows: list[Row]
    without_redis: list[Round]
    load_before: float
    others_share: float
    seconds: float
    machine: list[str] = field(default_factory=machine.description)


class Contestant:
    """One server with its listeners and its own copy of the data."""

    def __init__(
        self,
        ear: Ear,
        cast: Cast,
        *,
        name: str,
        layer: str,
        server: Server,
        path: str,
        subscribes: bool,
    ) -> None:
        self.name = name
        self.layer = layer
        self.server = server
        self._ear = ear
        self._cast = cast
        self._items = iter(cast.items)
        frame = {"type": "subscribe", "id": 1, "calendar": cast.calendar, "state": None, "access": None}
        manner = Manner(path, subscribe=json.dumps(frame) if subscribes else None)
        cookies = [f"sessionid={session}" for session in cast.viewers]
        self.audience = Audience(ear, port=server.port, manner=manner, cookies=cookies)
        self.size = 0
        self.rounds: list[Round] = []
        self.alone_ms = 0.0
        self.kib_per_socket = 0.0
        self.idle_cpu_share = 0.0

    def prepare(self, sockets: int, *, settle_seconds: float) -> None:
        """Warm the server up, open all sockets, and measure the memory that they take."""
        self.server.wait_until_up()
        self.alone_ms = median(self.delete().answer for _ in range(ALONE_DELETIONS))
        few = min(FIRST_SOCKETS, sockets // 2)
        self._grow(few, settle_seconds)
        self.delete()
        before = self.server.resident_bytes()
        self._grow(sockets, settle_seconds)
        self.kib_per_socket = (self.server.resident_bytes() - before) / 1024 / (sockets - few)

    def _grow(self, sockets: int, settle_seconds: float) -> None:
        self.audience.grow(sockets)
        self.size = sockets
        self._ear.listen_for(settle_seconds)

    def delete(self) -> Round:
        """Delete the next item. Return the figures of this round."""
        item, state = next(self._items)
        # Both servers get what the page sends: a session, the CSRF token, the item's state and an id of the change.
        token = "b" * 32
        headers = (
            f"Cookie: sessionid={self._cast.owner}; csrftoken={token}\r\nX-CSRFToken: {token}\r\n"
            f'If-Match: "{state}"\r\nIdempotency-Key: {uuid4()}\r\n'
        )
        used = self.server.cpu_seconds()
        heard = self.audience.delete(
            f"/api/calendars/{self._cast.calendar}/items/{item}/",
            item=item,
            headers=headers,
            timeout_seconds=ROUND_TIMEOUT_SECONDS,
        )
        used = self.server.cpu_seconds() - used
        return Round.of(
            heard.arrivals,
            sockets=self.size,
            twice=heard.twice,
            answer_seconds=heard.answer,
            cpu_seconds=used,
            frame_bytes=heard.frame_bytes,
        )

    def row(self) -> Row:
        """Return the figures of all rounds."""
        return Row.of(
            self.rounds,
            name=self.name,
            layer=self.layer,
            kib_per_socket=self.kib_per_socket,
            idle_cpu_share=self.idle_cpu_share,
            alone_ms=self.alone_ms,
        )


def measure(options: Options, *, say: Say) -> Result:
    """Measure every server on every layer. Raises OSError if the machine does not allow enough open files."""
    began, load_before = time.perf_counter(), os.getloadavg()[0]
    machine.raise_file_limit(3 * options.sockets + 500)
    rows: list[Row] = []
    without_redis: list[Round] = []
    others: list[float] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="calendar-bench-")))
        stack.enter_context(_without_collector())
        say("filling a database")
        cast = _fill(folder / "template.sqlite3", options)
        for number, layer in enumerate(options.layers):
            found, found_by_heads, share = _measure_layer(folder, cast, layer, options, with_plain=number == 0, say=say)
            rows += found
            without_redis += found_by_heads
            others.append(share)
    return Result(options, rows, without_redis, load_before, max(others), time.perf_counter() - began)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Switch off the load generator's own garbage collector, so that it does not distort the figures."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _fill(database: Path, options: Options) -> Cast:
    people = -(-options.sockets // SOCKETS_PER_PERSON)
    items = ALONE_DELETIONS + 1 + options.warm_up_rounds + options.rounds + HEAD_CHECK_DELETIONS
    return processes.filled(database, people=people, sessions=options.sockets, items=items)


def _measure_layer(
    folder: Path, cast: Cast, layer: Layer, options: Options, *, with_plain: bool, say: Say
) -> tuple[list[Row], list[Round], float]:
    with ExitStack() as stack:
        redis = stack.enter_context(Redis()) if layer == "redis" else None
        environ = {"REDIS_URL": redis.url} if redis else {}
        ear = Ear()
        contestants = [
            _start(stack, folder, ear, cast, name=name, layer=layer, environ=environ)
            for name in (OURS, TEXTBOOK, *([PLAIN] if with_plain else []))
        ]
        for one in contestants:
            say(f"{layer}: opening {options.sockets} sockets to {one.name}")
            one.prepare(options.sockets, settle_seconds=options.settle_seconds)
        say(f"{layer}: {options.warm_up_rounds} + {options.rounds} deletions each, in turns")
        share = _play(ear, contestants, options, say)
        _idle(ear, contestants, options.idle_seconds)
        found_by_heads = _without(redis, ear, contestants[0], say) if redis else []
        for one in contestants:
            one.audience.leave()
        return [one.row() for one in contestants], found_by_heads, share


def _without(redis: Redis, ear: Ear, ours: Contestant, say: Say) -> list[Round]:
    """Kill Redis, then delete. Without broadcasts, the head check finds the deletions."""
    say(f"redis: {HEAD_CHECK_DELETIONS} deletions without it")
    redis.kill()
    found = []
    for number in range(HEAD_CHECK_DELETIONS):
        ear.listen_for(number / HEAD_CHECK_DELETIONS)
        found.append(ours.delete())
    return found


def _start(
    stack: ExitStack, folder: Path, ear: Ear, cast: Cast, *, name: str, layer: str, environ: dict[str, str]
) -> Contestant:
    port = free_port()
    log = folder / f"{layer}-{name}.log"
    database = folder / f"{layer}-{name}.sqlite3"
    shutil.copy(folder / "template.sqlite3", database)
    environ = environ | {"DATABASE_URL": f"sqlite:///{database}", "PORT": str(port)}
    if name == OURS:
        server = processes.start(processes.our_command(port), port, log, **environ)
    elif name == TEXTBOOK:
        settings = {"DJANGO_SETTINGS_MODULE": "bench.settings"}
        server = processes.start(processes.textbook_command(port), port, log, **environ, **settings)
    else:
        server, layer = processes.start(processes.plain_command(port), port, log), NO_LAYER
    stack.callback(server.close)
    path = "/ws/" if name == OURS else f"/ws/{cast.calendar}/"
    return Contestant(ear, cast, name=name, layer=layer, server=server, path=path, subscribes=name == OURS)


def _play(ear: Ear, contestants: list[Contestant], options: Options, say: Say) -> float:
    """Delete in turns, so that drift affects all servers alike. Return the share of the machine that others used."""
    busy, began, mine = machine.busy_seconds(), time.perf_counter(), _own_cpu(contestants)
    for number in range(options.warm_up_rounds + options.rounds):
        for one in contestants:
            played = one.delete()
            if played.delivered < played.sockets:
                say(
                    f"{one.name}: {played.sockets - played.delivered} sockets heard nothing\n{one.server.log()[-2000:]}"
                )
            if number >= options.warm_up_rounds:
                one.rounds.append(played)
            ear.listen_for(PAUSE_SECONDS)
    used_by_others = machine.busy_seconds() - busy - (_own_cpu(contestants) - mine)
    return max(0.0, used_by_others / (time.perf_counter() - began) / (os.cpu_count() or 1))


def _own_cpu(contestants: list[Contestant]) -> float:
    return time.process_time() + sum(one.server.cpu_seconds() for one in contestants)


def _idle(ear: Ear, contestants: list[Contestant], seconds: float) -> None:
    """Measure the CPU time that the open sockets cost while nothing changes."""
    began = [one.server.cpu_seconds() for one in contestants]
    ear.listen_for(seconds)
    for one, before in zip(contestants, began, strict=True):
        one.idle_cpu_share = (one.server.cpu_seconds() - before) / seconds
