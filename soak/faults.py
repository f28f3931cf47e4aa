"""Breaks one thing after another in a soak, in an order that the seed decides.

When a fault returns, it is over, and everything is up again.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final, Self

from testbed.cluster import ROOT, START_TIMEOUT_SECONDS, Cluster, Node
from testbed.farm import Farm, now_ms
from testbed.servers import LOOPBACK

from .seed import Member

STOPPED_SECONDS: Final = 10
REDIS_STOPPED_SECONDS: Final = 5
GAP_SECONDS: Final = (1.5, 4.0)


@dataclass(slots=True)
class Stage:
    """What a fault can break, and how it waits: `wait` returns early when the run ends."""

    cluster: Cluster
    farm: Farm
    clients: list[str]
    # Members who write nothing, so that their rights may change.
    readers: Sequence[Member]
    dice: Random
    wait: Callable[[float], object]
    complain: Callable[[str], None]

    def node(self) -> Node:
        return self.dice.choice(self.cluster.nodes)

    def some_clients(self) -> list[str]:
        return self.dice.sample(self.clients, max(1, len(self.clients) // 3))

    def redis_says(self, *words: str) -> bytes:
        """Send a command to Redis. Return the beginning of its answer."""
        assert self.cluster.redis
        with socket.create_connection((LOOPBACK, self.cluster.redis.port), 5) as connection:
            connection.sendall((" ".join(words) + "\r\n").encode())
            return connection.recv(100)


def kill_node(stage: Stage) -> None:
    node = stage.node()
    node.stop(signal.SIGKILL)
    stage.wait(stage.dice.uniform(0.2, 3))
    node.start()


def restart_node(stage: Stage) -> None:
    node = stage.node()
    try:
        code = node.stop(signal.SIGTERM)
        if code:
            stage.complain(f"a process that was told to stop ended with {code}")
    finally:
        node.start()


def stop_node(stage: Stage) -> None:
    node = stage.node()
    node.signal(signal.SIGSTOP)
    try:
        stage.wait(STOPPED_SECONDS)
    finally:
        node.signal(signal.SIGCONT)


def kill_redis(stage: Stage) -> None:
    assert stage.cluster.redis
    stage.cluster.redis.kill()
    stage.wait(stage.dice.uniform(0.2, 6))
    stage.cluster.redis.start()


def stop_redis(stage: Stage) -> None:
    assert stage.cluster.redis
    stage.cluster.redis.signal(signal.SIGSTOP)
    try:
        stage.wait(REDIS_STOPPED_SECONDS)
    finally:
        stage.cluster.redis.signal(signal.SIGCONT)


def kill_subscriptions(stage: Stage) -> None:
    stage.redis_says("CLIENT", "KILL", "TYPE", "pubsub")


def kill_redis_connections(stage: Stage) -> None:
    stage.redis_says("CLIENT", "KILL", "TYPE", "normal")


def flush_redis(stage: Stage) -> None:
    stage.redis_says("FLUSHALL")


def reload_nginx(stage: Stage) -> None:
    stage.cluster.nginx.reload()


def cut_clients(stage: Stage) -> None:
    stage.farm.cut(stage.some_clients())


def cut_sockets(stage: Stage) -> None:
    stage.farm.cut(stage.some_clients(), only="sockets")


def pages_away_and_back(stage: Stage) -> None:
    """Put pages into the back/forward cache and take them back; tell others that their machine has slept."""
    names = stage.some_clients()
    stage.farm.signal("pause", names)
    stage.wait(stage.dice.uniform(1, 5))
    stage.farm.signal("resume", names)
    stage.farm.signal("doubt", stage.some_clients())


def withdraw_and_grant(stage: Stage) -> None:
    """Take a calendar from a member, give it back with other rights, and then with the rights from before."""
    reader = stage.dice.choice(stage.readers)
    calendar, role = stage.dice.choice(sorted(reader.roles.items()))
    if role == "owner":
        return
    for given in ("none", "editor" if role in ("viewer", "freebusy") else "viewer", role):
        command = [sys.executable, "-m", "soak.rights", reader.name, calendar, given]
        subprocess.run(command, cwd=ROOT, env=stage.cluster.environ, check=True, capture_output=True)
        stage.wait(stage.dice.uniform(0.2, 2))


def restart_postgres(stage: Stage) -> None:
    stage.cluster.postgres.stop(signal.SIGINT)
    stage.wait(stage.dice.uniform(0, 1.5))
    stage.cluster.postgres.start()


def crash_postgres(stage: Stage) -> None:
    stage.cluster.postgres.stop(signal.SIGQUIT)
    stage.wait(stage.dice.uniform(0, 1.5))
    stage.cluster.postgres.start()


FAULTS: Final[dict[str, Callable[[Stage], None]]] = {
    "SIGKILL of a process": kill_node,
    "SIGTERM of a process": restart_node,
    "SIGSTOP of a process": stop_node,
    "SIGKILL of Redis": kill_redis,
    "SIGSTOP of Redis": stop_redis,
    "CLIENT KILL pubsub": kill_subscriptions,
    "CLIENT KILL normal": kill_redis_connections,
    "FLUSHALL": flush_redis,
    "nginx reload": reload_nginx,
    "connections cut": cut_clients,
    "sockets cut": cut_sockets,
    "pages away": pages_away_and_back,
    "rights withdrawn and given": withdraw_and_grant,
    "PostgreSQL restart": restart_postgres,
    "PostgreSQL crash": crash_postgres,
}


class Faults:
    """A thread that breaks one thing after another. It can be paused between two faults, while everything is up."""

    def __init__(
        self,
        cluster: Cluster,
        farm: Farm,
        *,
        clients: list[str],
        readers: Sequence[Member],
        seed: int,
        complain: Callable[[str], None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.windows: list[tuple[str, float, float]] = []
        self._stopping, self._whole, self._paused = Event(), Lock(), False
        self._farm, self._complain, self._dice = farm, complain, Random(seed)
        self._stage = Stage(cluster, farm, clients, readers, self._dice, self._stopping.wait, complain)
        self._thread = Thread(target=self._break, name="faults", daemon=True)

    def _break(self) -> None:
        queue: list[str] = []
        while not self._stopping.wait(self._dice.uniform(*GAP_SECONDS)):
            with self._whole:
                if self._paused or self._stopping.is_set():
                    continue
                queue = queue or self._dice.sample(sorted(FAULTS), len(FAULTS))  # each once in random order, then again
                self._one(queue.pop())

    def _one(self, kind: str) -> None:
        start = now_ms()
        self._farm.fault(kind, start_ms=start)
        try:
            FAULTS[kind](self._stage)
        except Exception as error:  # a part that could not be broken or did not come up again is a finding
            self._complain(f"{kind}: {type(error).__name__}: {error}")
        end = now_ms()
        self.counts[kind] += 1
        self.windows.append((kind, start, end))
        self._farm.fault(kind, start_ms=start, end_ms=end)

    def pause(self) -> None:
        """Prevent further faults, and wait until the current one is over."""
        self._paused = True
        with self._whole:
            pass

    def resume(self) -> None:
        self._paused = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(STOPPED_SECONDS + START_TIMEOUT_SECONDS)
