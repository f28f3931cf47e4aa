"""Tests a production site that is started as docs/deploying.md says: below a path, behind nginx, to its first item."""

from __future__ import annotations

import json
import re
import ssl
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from testbed.servers import LOOPBACK
from tests.deploy.production import PREFIX, Production, page_data


def test_everything_the_page_asks_for_is_below_the_path(browser: httpx.Client) -> None:
    """Seen failing with `/ws/` as the socket's address below a path, and without FORCE_SCRIPT_NAME in the settings."""
    data = page_data(browser)
    assert [data[name] for name in ("apiUrl", "socketUrl", "loginUrl")] == [
        f"{PREFIX}/api/",
        f"{PREFIX}/ws/",
        f"{PREFIX}/login/",
    ]
    page = browser.get(f"{PREFIX}/").text
    asked = re.findall(r'(?:src|href|action|hx-\w+)="(/[^"]*)"', page)
    assert asked
    assert [one for one in asked if not one.startswith(f"{PREFIX}/")] == []
    assert [one for one in asked if browser.get(one).status_code not in {200, 302, 405}] == []


def test_cookies_are_for_the_path_alone_and_for_tls(browser: httpx.Client) -> None:
    assert {(cookie.path, cookie.secure) for cookie in browser.cookies.jar} == {(f"{PREFIX}/", True)}


def test_a_static_file_is_kept_for_ever_by_the_hash_in_its_name(browser: httpx.Client) -> None:
    script = re.search(rf'src="({PREFIX}/static/[^"]*page\.[^"]*js)"', browser.get(f"{PREFIX}/").text)
    assert script
    hashed = browser.get(script[1], headers={"Accept-Encoding": "gzip"})
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert hashed.headers["content-encoding"] == "gzip"
    assert hashed.headers["content-type"] == "text/javascript; charset=utf-8"
    plain = browser.get(re.sub(r"\.[0-9a-f]{12}\.", ".", script[1]))
    assert plain.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert plain.content == hashed.content


def test_a_first_owner_makes_a_calendar_and_its_items_are_pushed_through_nginx(
    production: Production, browser: httpx.Client
) -> None:
    """Seen failing without the prefix in project/asgi.py (no route), and without X-Forwarded-Proto (another origin)."""
    data = page_data(browser)
    calendar = browser.post(f"{data['apiUrl']}calendars/", json={"name": "Team", "color": "#2563eb", "timeZone": "UTC"})
    assert calendar.status_code == 201, calendar.text
    url = f"{data['apiUrl']}calendars/{calendar.json()['id']}/"
    with connect(
        f"wss://{LOOPBACK}:{production.nginx.port}{data['socketUrl']}",
        origin=Origin(production.nginx.url),
        additional_headers={"Cookie": f"sessionid={browser.cookies['sessionid']}"},
        ssl=untrusting(),
        proxy=None,
    ) as socket:
        ask = {"type": "subscribe", "id": 1, "calendar": calendar.json()["id"], "state": None, "access": None}
        socket.send(json.dumps(ask))
        next_of(socket, "subscribed")
        item = {"title": "First", "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"}
        made = browser.put(f"{url}items/{uuid4()}/", json=item, headers={"If-None-Match": "*"})
        assert made.status_code == 201, made.text
        assert [one["title"] for one in next_of(socket, "changes")["upserted"]] == ["First"]
    feed = browser.get(f"{url}feed/", params={"start": "2026-11-01", "end": "2026-12-01"})
    assert [one["title"] for one in feed.json()] == ["First"]
    assert "no-store" in feed.headers["cache-control"]
    assert "content-encoding" not in feed.headers


def untrusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def next_of(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next frame of a kind."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(10))
        if frame["type"] == kind:
            return frame


def test_plain_http_is_sent_to_https_but_for_health_checks(production: Production) -> None:
    with httpx.Client(base_url=f"http://{LOOPBACK}:{production.node.port}", trust_env=False, timeout=30) as client:
        away = client.get(f"{PREFIX}/login/")
        assert (away.status_code, away.headers["location"]) == (
            301,
            f"https://{LOOPBACK}:{production.node.port}{PREFIX}/login/",
        )
        assert client.get(f"{PREFIX}/healthz").status_code == 200
        assert client.get(f"{PREFIX}/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/ws/", "/elsewhere/ws/", f"{PREFIX}ws/"])
def test_a_socket_elsewhere_is_refused_without_a_traceback(production: Production, path: str) -> None:
    """Even if the client sends daphne's header for the root path."""
    headers = {"Daphne-Root-Path": "/elsewhere"}
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://{LOOPBACK}:{production.node.port}{path}", additional_headers=headers, proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403
    assert "Traceback" not in production.node.log()
