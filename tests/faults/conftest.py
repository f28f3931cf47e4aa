"""One cluster for all tests of faults: what a test breaks it also mends, and the next one finds everything running."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from tests.cluster import Cluster
from tests.faults.pages import Page, await_right, of_each_kind, opened
from tests.faults.people import Program, sign_in_all

logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request would hide what a failure says


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
    """Return the cluster, all of which runs."""
    for node in _started.nodes:
        if not node.runs:
            node.start()
    assert _started.redis is not None
    return _started


@pytest.fixture
def ana(cluster: Cluster, sessions: dict[str, str]) -> Iterator[Program]:
    """Return the owner, who comes through nginx."""
    with Program(cluster.url, sessions["ana"]) as program:
        yield program


@pytest.fixture
def at_node(cluster: Cluster, sessions: dict[str, str]) -> Iterator[list[Program]]:
    """Return the owner at each process."""
    with ExitStack() as stack:
        yield [stack.enter_context(Program(node.url, sessions["ana"])) for node in cluster.nodes]


@pytest.fixture
def calendar(ana: Program) -> str:
    """Return a new calendar."""
    return ana.create_calendar()


@pytest.fixture
def pages(at_node: list[Program], ana: Program, calendar: str) -> Iterator[Sequence[Page]]:
    """Return pages that are right: on each process one on a WebSocket and one on requests."""
    with opened(of_each_kind(at_node, calendar)) as made:
        await_right(made, ana, what="at the start")
        yield made
