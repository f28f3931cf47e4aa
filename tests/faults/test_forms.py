"""Tests what the server must leave to the application, and what it must not believe."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import httpx

from testbed.serving import serving, sign_in


def test_a_form_is_the_applications_to_read(tmp_path: Path) -> None:
    """By itself, Twisted reads forms of any size on the event loop.

    Seen failing with daphne's own request class: Twisted answered with a bare 400.
    """
    with serving(tmp_path) as node, closing(sign_in(node.url)) as client:
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = client.post("/api/calendars/", content=b"no form", headers=kind)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_clients_word_on_the_root_path_is_not_read(tmp_path: Path) -> None:
    """Seen failing with daphne's own request class: 500 and a traceback."""
    with serving(tmp_path) as node, httpx.Client(base_url=node.url, trust_env=False, timeout=30) as client:
        for claimed in (b"/elsewhere", b"/\xe9"):
            answer = client.get("/login/", headers=[(b"Daphne-Root-Path", claimed)])
            assert answer.status_code == 200
            assert b"elsewhere" not in answer.content
