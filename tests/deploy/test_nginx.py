"""Tests that deploy/nginx.conf passes nginx's and gixy's checks, fits the app's limits, and forwards requests right."""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from django.conf import settings

from calendar_live import conf, errors
from testbed import binaries
from testbed.servers import LOOPBACK, Nginx, folder_for_a_while, free_port
from testbed.waiting import wait_until
from tests.deploy.files import ANYBODYS, BIN, nginx_directives, run
from tools.nginx_conf import OLDEST, RESOLVE, SOURCE, Version, main, nginx_conf, version_of

NGINX: Final = SOURCE.read_text()

WAYS: Final[dict[str, dict[str, Any]]] = {
    "as it stands": {},
    "below a path": {"prefix": "/team/calendar", "static": "/srv/other", "listen": "127.0.0.1:8080"},
    "names that move": {"nodes": ["web1:8000", "web2:8000", "web3:8000"], "resolver": LOOPBACK, "name": "a.example"},
    "no WebSockets": {"refuse_websockets": True},
}


OLDER: Final = {"an older nginx": {"version": OLDEST}}
# Other tests pass over some of these, but each version that the site supports accepts the file written for it.
NGINXES: Final = {
    program: version
    for program in binaries.candidates(binaries.NGINX)
    if (version := version_of(program)) and version >= OLDEST
}


@pytest.mark.parametrize("ended", [False, True], ids=["HTTP", "TLS"])
@pytest.mark.parametrize(
    ("program", "way"),
    [
        (program, way)
        for program, version in NGINXES.items()
        for way in WAYS
        if version >= RESOLVE or "resolver" not in WAYS[way]
    ],
    ids=str,
)
def test_every_nginx_here_takes_the_file_that_is_written_for_it(
    program: Path, way: str, ended: bool, tls: tuple[Path, Path], tmp_path: Path
) -> None:
    file = tmp_path / "nginx.conf"
    given = {"version": NGINXES[program], "tls": tls if ended else None, "state": tmp_path, **ANYBODYS, **WAYS[way]}
    file.write_text(nginx_conf(**given))
    tried = run(program, "-t", "-p", tmp_path, "-c", file)
    assert "test is successful" in tried.stderr
    assert "[warn]" not in tried.stderr


@pytest.mark.parametrize("ended", [False, True], ids=["HTTP", "TLS"])
@pytest.mark.parametrize("given", (WAYS | OLDER).values(), ids=WAYS | OLDER)
def test_gixy_finds_nothing_wrong_with_the_file(
    given: dict[str, Any], ended: bool, tls: tuple[Path, Path], tmp_path: Path
) -> None:
    """Seen failing with `Host $http_host`, and with `Upgrade $http_upgrade`."""
    file = tmp_path / "nginx.conf"
    file.write_text(nginx_conf(**given, tls=tls if ended else None, state=tmp_path))
    # Django sends the HSTS header: HSTS_SECONDS.
    looked = run(BIN / "gixy", "--format", "json", "--skips", "hsts_header", file)
    assert json.loads(looked.stdout) == []


def directives(name: str, text: str = NGINX) -> list[str]:
    return nginx_directives(name, text)


def test_a_process_that_failed_is_asked_again_at_once() -> None:
    upstream = re.search(r"upstream calendar_live \{.*?\}", nginx_conf(nodes=["a:1", "b:2"]), re.DOTALL)
    assert upstream
    assert directives("server", upstream[0]) == ["a:1 max_fails=0", "b:2 max_fails=0"]
    assert directives("server", NGINX.partition("map $http_upgrade ")[0]) == [
        "127.0.0.1:8001 max_fails=0",
        "127.0.0.1:8002 max_fails=0",
    ]


def test_the_largest_body_is_the_apis_and_djangos() -> None:
    assert directives("client_max_body_size") == [str(conf.DEFAULTS["MAX_BODY_BYTES"])]
    assert conf.DEFAULTS["MAX_BODY_BYTES"] == settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_what_waits_is_given_longer_than_it_may_wait() -> None:
    waiting = re.search(r"location ~ .*?\n        \}", NGINX, re.DOTALL)
    assert waiting
    for timeout in (*directives("proxy_read_timeout", waiting[0]), *directives("proxy_send_timeout", waiting[0])):
        seconds = int(timeout.removesuffix("s"))
        assert seconds > conf.app.MAX_WAIT_SECONDS * 2
        assert seconds > conf.app.HEARTBEAT_SECONDS * 2
        assert seconds > conf.app.SILENCE_SECONDS
    assert directives("proxy_buffering", waiting[0]) == ["off"]


def test_no_answer_is_compressed_or_kept() -> None:
    assert directives("proxy_cache") == ["off"]
    assert directives("gzip") == ["off", "on"]
    assert "gzip on;" in NGINX.partition("location /static/ {")[2]


@pytest.mark.parametrize("prefix", ["calendar", "/calendar/", "/a b", "/;"])
def test_a_wrong_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="A prefix is written"):
        nginx_conf(prefix=prefix)


# --- nginx: its version ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "listens", "http2"),
    [
        (None, "443 ssl default_server", ["on"]),
        ((1, 25, 1), "443 ssl default_server", ["on"]),
        ((1, 25, 0), "443 ssl http2 default_server", []),
        ((1, 22, 1), "443 ssl http2 default_server", []),
    ],
)
def test_http_2_is_asked_for_as_the_version_has_it(version: Version | None, listens: str, http2: list[str]) -> None:
    text = nginx_conf(version=version, tls=("cert.pem", "key.pem"))
    assert directives("listen", text) == [listens, "80 default_server"]
    assert directives("http2", text) == http2
    # An operator who had no certificate at first removes these marks by hand.
    by_hand = nginx_conf(version=version).replace("#tls ", "")
    assert (listens in directives("listen", by_hand), directives("http2", by_hand)) == (True, http2)


def test_names_that_move_are_refused_where_nginx_would_not_look_them_up_again() -> None:
    names: dict[str, Any] = WAYS["names that move"]
    assert " resolve;" in nginx_conf(version=RESOLVE, **names)
    with pytest.raises(
        ValueError, match=r"needs nginx 1\.27\.3 or newer, and this is 1\.27\.2\. .*addresses that stay"
    ):
        nginx_conf(version=(1, 27, 2), **names)


def say(path: Path, version: str) -> None:
    """Write a program that prints nginx's version and does nothing else."""
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\necho 'nginx version: nginx/{version}' >&2\n")
    path.chmod(0o755)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder in which `bin` and `sbin` of a machine without nginx belong."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("tools.nginx_conf.SBIN", str(tmp_path / "sbin"))
    return tmp_path


@pytest.mark.parametrize("folder", ["bin", "sbin"])
def test_the_file_is_written_for_the_nginx_of_the_machine(
    folder: str, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(machine / folder / "nginx", "1.22.1")
    assert main(["--tls", "cert.pem", "key.pem"]) == 0
    written = capsys.readouterr()
    assert written.out == nginx_conf(version=(1, 22, 1), tls=("cert.pem", "key.pem"))
    assert "Written for nginx 1.22.1; " in written.err


def test_the_file_is_written_for_the_newest_where_no_nginx_is(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    written = capsys.readouterr()
    assert written.out == nginx_conf()
    assert "Written for the newest nginx, because there is none here; " in written.err


def test_a_given_version_comes_before_that_of_the_machine(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say(machine / "bin/nginx", "1.22.1")
    assert main(["--version", "1.28"]) == 0
    written = capsys.readouterr()
    assert written.out == nginx_conf()
    assert "Written for nginx 1.28; " in written.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--version", "new"], "A version is written 1.22.1, not 'new'."),
        (["--version", "1.22.1", "--resolver", "10.0.0.2"], "A resolver needs nginx 1.27.3 or newer"),
        (["--prefix", "calendar"], "A prefix is written /calendar"),
    ],
)
def test_the_command_says_what_is_wrong_and_writes_nothing(
    arguments: list[str], complaint: str, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    written = capsys.readouterr()
    assert (refused.value.code, written.out) == (2, "")
    assert complaint in written.err


# --- nginx: what it does --------------------------------------------------------------------------------------------


class Echo(BaseHTTPRequestHandler):
    """Answers each request with the headers that it received."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        body = json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:  # the signature of the base class
        pass


@pytest.fixture(scope="module")
def echo() -> Iterator[Nginx]:
    """Return an nginx in front of two processes: one answers with its request's headers, the other does not exist."""
    server = ThreadingHTTPServer((LOOPBACK, 0), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    nginx = Nginx(nodes=[f"{LOOPBACK}:{server.server_port}", f"{LOOPBACK}:{free_port()}"])
    try:
        nginx.start()
        yield nginx
    finally:
        nginx.close()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("program", NGINXES, ids=str)
def test_every_nginx_here_speaks_http_2(program: Path, tls: tuple[Path, Path]) -> None:
    browser = ssl.create_default_context()
    browser.check_hostname, browser.verify_mode = False, ssl.CERT_NONE
    browser.set_alpn_protocols(["h2", "http/1.1"])
    with (
        Nginx(program, tls=tls) as nginx,
        socket.create_connection((LOOPBACK, nginx.port), 10) as connection,
        browser.wrap_socket(connection) as secured,
    ):
        assert secured.selected_alpn_protocol() == "h2"


def test_plain_http_is_sent_on_to_https(tls: tuple[Path, Path]) -> None:
    with Nginx(tls=tls) as nginx:
        away = httpx.get(f"http://{nginx.conf['redirect']}/a", trust_env=False, timeout=30)
    assert (away.status_code, away.headers["location"]) == (301, "https://calendar.example/a")


def told(nginx: Nginx, **headers: str) -> dict[str, list[str]]:
    """Return the headers that a process receives, by name."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(base_url=nginx.url, trust_env=False, timeout=30) as client:
        found: dict[str, list[str]] = {}
        for name, value in client.get("/", headers=given).raise_for_status().json():
            found.setdefault(name, []).append(value)
        return found


FORWARDING: Final = {
    "x-forwarded-for": LOOPBACK,
    "x-forwarded-proto": "http",
    "x-forwarded-host": None,  # the site's own name
    "x-forwarded-port": None,  # the client's own port
    "x-real-ip": LOOPBACK,
    "x-forwarded-prefix": "",
    "forwarded": "",
    "daphne-root-path": "",
    "proxy": "",
}


@pytest.mark.parametrize("name", FORWARDING)
def test_what_a_client_says_under_the_name_of_a_proxy_is_not_passed_on(echo: Nginx, name: str) -> None:
    """Seen failing for each header without its `proxy_set_header`, and with `$proxy_add_x_forwarded_for`."""
    sent = told(echo, **{name: "evil.example"}).get(name, [""])
    assert "evil.example" not in "".join(sent)
    if FORWARDING[name] is not None:
        assert sent == [FORWARDING[name]]


def test_every_forwarding_header_is_tried() -> None:
    named = {one.split(" ")[0].lower() for one in directives("proxy_set_header")}
    assert named == {*FORWARDING, "host", "upgrade", "connection"}


def test_the_host_is_passed_on_with_its_port_as_the_pages_origin_has_it(echo: Nginx) -> None:
    assert told(echo)["host"] == [f"{LOOPBACK}:{echo.port}"]
    assert told(echo, host="calendar.example")["host"] == ["calendar.example"]


@pytest.mark.parametrize(
    ("upgrade", "passed"), [("websocket", ["websocket"]), ("WebSocket", ["websocket"]), ("h2c", None), ("", None)]
)
def test_only_a_websocket_is_upgraded(echo: Nginx, upgrade: str, passed: list[str] | None) -> None:
    sent = told(echo, upgrade=upgrade, connection="upgrade")
    assert sent.get("upgrade") == passed
    assert sent["connection"] == ["upgrade" if passed else "close"]


def test_a_process_that_is_not_there_is_noticed_by_nobody(echo: Nginx) -> None:
    with httpx.Client(base_url=echo.url, trust_env=False, timeout=30) as client:
        assert {client.post("/", content=b"x").status_code for _ in range(10)} == {200}


def test_a_body_that_is_too_large_is_refused_as_the_api_does(echo: Nginx) -> None:
    largest = conf.app.MAX_BODY_BYTES
    with httpx.Client(base_url=echo.url, trust_env=False, timeout=30) as client:
        assert client.post("/api/", content=b"x" * largest).status_code == 200
        refused = client.post("/api/", content=b"x" * (largest + 1))
    assert refused.status_code == errors.TooLarge.status
    assert refused.headers["content-type"] == "application/json"
    assert refused.json() == {"code": errors.TooLarge.code, "detail": f"The body has more than {largest} bytes."}


def test_metrics_are_for_those_inside(echo: Nginx) -> None:
    with httpx.Client(base_url=echo.url, trust_env=False, timeout=30) as client:
        assert client.get("/metrics").status_code == 404


TOKEN: Final = "7N42dgm5tFLK9N8MT7fHC7.x-Y_z0"


@pytest.mark.parametrize(
    ("asked", "logged"),
    [
        (f"/public/{TOKEN}/", "/public/-"),
        (f"/public/{TOKEN}/embed/?view=week", "/public/-"),
        (f"/calendar/public/{TOKEN}/", "/calendar/public/-"),
        (f"/PUBLIC//{TOKEN}/", "/PUBLIC/-"),
        (f"/public/a/public/{TOKEN}/", "/public/-"),
        (f"/%70ublic/{TOKEN}/", "/%-"),
        (f"/%2570ublic/{TOKEN}/", "/%-"),
        (f"/invitations/{TOKEN}/", "/invitations/-"),
        (f"/login/?next=%2Finvitations%2F{TOKEN}%2F&a=1", "/login/?next=%-"),
        (f"/login/?next=/invitations/{TOKEN}/&a=1", "/login/?next=/invitations/-"),
        (f"/calendar/invitations/{TOKEN}/?next=/invitations/{TOKEN}/", "/calendar/invitations/-"),
        (f"/ws/?link={TOKEN}", "/ws/?link=-"),
        (f"/ws/?%6cink={TOKEN}", "/ws/?%-"),
        (f"/ws/?a=1&link={TOKEN}&b=2", "/ws/?a=1&link=-"),
        (f"/ws/?link={TOKEN}&q=x", "/ws/?link=-"),
        (f"/api/search/?start=2026-11-23&q={TOKEN}", "/api/search/?start=2026-11-23&q=-"),
        ("/api/feed/?start=2026-11-23T09%3A00%3a00%2B08&a=1", "/api/feed/?start=2026-11-23T09%3A00%3a00%2B08&a=1"),
        ("/api/calendars/1/invitations/", "/api/calendars/1/invitations/"),
        ("/api/calendars/?a=1", "/api/calendars/?a=1"),
    ],
)
def test_neither_a_token_nor_a_search_is_logged(echo: Nginx, asked: str, logged: str) -> None:
    """Nor in the error log: one of the two processes does not exist, and nginx sometimes reports that.

    Seen failing with nginx's own log format, without invitations or searches in the map, when only the last secret of
    an address is removed, and when percent-encoded text is logged.
    """
    mark = str(uuid4())
    headers = {"User-Agent": mark, "Referer": f"{echo.url}/public/{TOKEN}/"}
    ask(echo, asked, headers)
    wait_until(lambda: mark in echo.access_log(), what="the request in the log")
    assert f'"GET {logged} HTTP/1.1" 200' in next(line for line in echo.access_log().splitlines() if mark in line)
    assert TOKEN not in echo.access_log() + echo.log()


def ask(nginx: Nginx, target: str, headers: dict[str, str]) -> bytes:
    """Request an address exactly as it is written, and return the answer."""
    lines = [f"GET {target} HTTP/1.1", "Host: calendar.example", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((LOOPBACK, nginx.port), 10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        with suppress(ConnectionResetError), connection.makefile("rb") as answer:
            return answer.read()
    return b""


class CutsOff(BaseRequestHandler):
    """Reads a request, opens a WebSocket if asked for one, and then resets the connection in the middle of a frame."""

    def handle(self) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += self.request.recv(65536)
        if b"websocket" in request:
            self.request.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x7e"
            )
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()  # with a reset, as daphne closes a connection whose peer is too slow


def test_the_error_log_tells_no_token_whatever_fails() -> None:
    """Four failures: a process does not exist, a process cuts off a request or a socket, and a file is missing.

    The access log says how each request ended. Seen failing for each of the four without the `error_log` of `http`.
    """
    secret = {"Referer": f"https://calendar.example/invitations/{TOKEN}/"}
    upgrade = {"Upgrade": "websocket", "Connection": "upgrade"}
    with ThreadingTCPServer((LOOPBACK, 0), CutsOff) as server, folder_for_a_while("calendar-static-") as static:
        Thread(target=server.serve_forever, daemon=True).start()
        cuts_off, is_away = f"{LOOPBACK}:{server.server_address[1]}", f"{LOOPBACK}:{free_port()}"
        with Nginx(nodes=[is_away], static=static) as away, Nginx(nodes=[cuts_off], static=static) as cut:
            ask(away, f"/public/{TOKEN}/", secret)
            ask(away, "/static/nothing.css", secret)
            ask(cut, f"/public/{TOKEN}/", secret)
            ask(cut, f"/ws/?link={TOKEN}", secret | upgrade)
            wait_until(
                lambda: len((away.access_log() + cut.access_log()).splitlines()) == 4, what="four lines in the logs"
            )
            logged = away.access_log() + cut.access_log()
            assert TOKEN not in logged + away.log() + cut.log()
        server.shutdown()
    for line in (
        rf'"GET /public/- HTTP/1.1" 502 .* "{is_away}" "502"',
        r'"GET /static/nothing.css HTTP/1.1" 404 .* "-" "-"',
        rf'"GET /public/- HTTP/1.1" 502 .* "{cuts_off}" "502"',
        rf'"GET /ws/\?link=- HTTP/1.1" 101 .* "{cuts_off}" "101"',
    ):
        assert re.search(line, logged), line


def test_what_nginx_says_of_itself_is_logged_and_of_requests_nothing() -> None:
    assert directives("error_log") == ["/var/log/nginx/error.log warn", "/var/log/nginx/error.log emerg"]
    assert directives("error_log", NGINX.partition("http {")[0]) == ["/var/log/nginx/error.log warn"]
