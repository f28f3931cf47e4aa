"""Tests that a process that terminates TLS itself knows by the scheme which pages are its own."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from calendar_live.live.consumer import FORBIDDEN
from testbed.followers import Follower, read_until
from testbed.servers import LOOPBACK, free_port
from testbed.serving import calendar_of, cookie_of, serving, sign_in
from tests.deploy.production import certificate


@pytest.mark.parametrize(("page", "closed"), [("https", None), ("http", FORBIDDEN)])
def test_a_page_of_the_same_address_is_let_in_if_it_came_over_tls_too(
    page: str, closed: int | None, tmp_path: Path
) -> None:
    """Seen failing with the scheme that daphne sets: none, which counts as plain."""
    secure, plain = free_port(), free_port()
    chain, key = certificate(tmp_path)
    endpoint = f"ssl:{secure}:interface={LOOPBACK}:privateKey={key}:certKey={chain}"
    options = ("--bind", LOOPBACK, "--port", str(plain), "-e", endpoint)
    with serving(tmp_path, options=options, port=plain) as node, closing(sign_in(node.url)) as client:
        calendar = str(calendar_of(client)["id"])
        with closing(Follower(secure, cookie=cookie_of(client), calendar=calendar, tls=True, page=page)) as follower:
            read_until(lambda: "hello" in follower.frames or follower.closed, [follower], what="an answer")
            assert follower.closed == closed
