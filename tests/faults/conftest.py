"""Fixtures of the fault tests: one cluster for all, or one process for a test. A test repairs what it breaks."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from testbed.cluster import Cluster, Node
from testbed.serving import serving, sign_in
from tests.faults.pages import Page, await_right, of_each_kind, opened
from tests.faults.people import Program, sign_in_all
from tests.faults.raw import Raw

logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request would hide a failure


@pytest.fixture(scope="session")
def _started() -> Iterator[Cluster]:
    with Cluster(nodes=2) as running:
        running.manage("seed_demo")
        yield running


@pytest.fixture(scope="session")
def sessions(_started: Cluster) -> dict[str, str]:
    """Return a session key for each user."""
    return sign_in_all(_started)


@pytest.fixture
def cluster(_started: Cluster) -> Cluster:
    """Return the cluster, with all its processes running."""
    for node in _started.nodes:
        if not node.runs:
            node.start()
    assert _started.redis is not None
    return _started


@pytest.fixture
def ana(cluster: Cluster, sessions: dict[str, str]) -> Iterator[Program]:
    """Yield the owner, whose requests go through nginx."""
    with Program(cluster.url, sessions["ana"]) as program:
        yield program


@pytest.fixture
def at_node(cluster: Cluster, sessions: dict[str, str]) -> Iterator[list[Program]]:
    """Yield the owner at each process."""
    with ExitStack() as stack:
        yield [stack.enter_context(Program(node.url, sessions["ana"])) for node in cluster.nodes]


@pytest.fixture
def calendar(ana: Program) -> str:
    """Return a new calendar."""
    return ana.create_calendar()


@pytest.fixture
def pages(at_node: list[Program], ana: Program, calendar: str) -> Iterator[Sequence[Page]]:
    """Yield pages that are right: at each process, one by WebSocket and one by requests."""
    with opened(of_each_kind(at_node, calendar)) as made:
        await_right(made, ana, what="at the start")
        yield made


# --- one process, without the rest -----------------------------------------------------------------------------------


@pytest.fixture
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    """Yield a process for this test alone. `CALENDAR_LIVE` in the test's module has entries for the setting."""
    with serving(tmp_path, **getattr(request.module, "CALENDAR_LIVE", {})) as node:
        yield node


@pytest.fixture
def client(node: Node) -> Iterator[httpx.Client]:
    """Yield the owner at the process."""
    with closing(sign_in(node.url)) as client:
        yield client


class Connect(Protocol):
    """Makes a connection to the process. The connection ends with the test."""

    def __call__(self, *, receive_bytes: int | None = None) -> Raw: ...


@pytest.fixture
def connect(node: Node, client: httpx.Client) -> Iterator[Connect]:
    with ExitStack() as stack:

        def make(*, receive_bytes: int | None = None) -> Raw:
            return stack.enter_context(closing(Raw(node, client, receive_bytes=receive_bytes)))

        yield make
