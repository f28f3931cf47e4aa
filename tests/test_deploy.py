"""What deploy/ holds is right, and works: nginx for real before a production site, the files of others by their own checkers."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.conf import settings
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from calendar_live import conf, errors
from tests import servers
from tests.servers import LOOPBACK, Nginx, free_port
from tests.waiting import wait_until
from tools.nginx_conf import SOURCE, nginx_conf

ROOT: Final = Path(__file__).parents[1]
DEPLOY: Final = ROOT / "deploy"
NGINX: Final = SOURCE.read_text()
BIN: Final = Path(sys.executable).parent


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:  # passed through
    return subprocess.run(command, capture_output=True, text=True, **options)


# --- nginx: the file ------------------------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for loopback that nobody trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, LOOPBACK)])
    now = datetime.now(tz=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="session")
def tls() -> Iterator[tuple[Path, Path]]:
    folder = servers.open_folder("calendar-tls-")
    yield certificate(folder)
    shutil.rmtree(folder)


WAYS: Final[dict[str, dict[str, Any]]] = {
    "as it stands": {},
    "below a path": {"prefix": "/team/calendar", "static": "/srv/other", "listen": "127.0.0.1:8080"},
    "names that move": {"nodes": ["web1:8000", "web2:8000", "web3:8000"], "resolver": LOOPBACK, "name": "a.example"},
    "no WebSockets": {"refuse_websockets": True},
}


@pytest.fixture(
    params=[(way, ended) for way in WAYS for ended in (False, True)], ids=lambda it: f"{it[0]}, TLS {it[1]}"
)
def written(request: pytest.FixtureRequest, tls: tuple[Path, Path], tmp_path: Path) -> Path:
    """Return a file written in one of the ways."""
    way, ended = request.param
    file = tmp_path / "nginx.conf"
    file.write_text(nginx_conf(**WAYS[way], tls=tls if ended else None, state=tmp_path))
    return file


def test_nginx_takes_the_file(written: Path) -> None:
    tried = run(servers.find_nginx(), "-t", "-p", written.parent, "-c", written)
    assert "test is successful" in tried.stderr
    assert "[warn]" not in tried.stderr


def test_gixy_finds_nothing_wrong_with_the_file(written: Path) -> None:
    """Seen failing with `Host $http_host`, and with `Upgrade $http_upgrade`."""
    # HSTS is Django's: HSTS_SECONDS.
    looked = run(BIN / "gixy", "--format", "json", "--skips", "hsts_header", written)
    assert json.loads(looked.stdout) == []


def directives(name: str, text: str = NGINX) -> list[str]:
    """Return what a directive is set to, wherever it stands, but for comments."""
    return re.findall(rf"^ *{name} (.*);$", text, re.MULTILINE)


def test_a_process_that_failed_is_asked_again_at_once() -> None:
    upstream = re.search(r"upstream calendar_live \{.*?\}", nginx_conf(nodes=["a:1", "b:2"]), re.DOTALL)
    assert upstream
    assert directives("server", upstream[0]) == ["a:1 max_fails=0", "b:2 max_fails=0"]
    assert directives("server", NGINX.partition("map ")[0]) == [
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
        assert seconds > conf.number("MAX_WAIT_SECONDS") * 2
        assert seconds > conf.number("HEARTBEAT_SECONDS") * 2
        assert seconds > conf.number("SILENCE_SECONDS")
    assert directives("proxy_buffering", waiting[0]) == ["off"]


def test_no_answer_is_compressed_or_kept() -> None:
    assert directives("proxy_cache") == ["off"]
    assert directives("gzip") == ["off", "on"]
    assert "gzip on;" in NGINX.partition("location /static/ {")[2]


@pytest.mark.parametrize("prefix", ["calendar", "/calendar/", "/a b", "/;"])
def test_a_wrong_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="A prefix is written"):
        nginx_conf(prefix=prefix)


# --- nginx: what it does --------------------------------------------------------------------------------------------


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it was sent, and does nothing else."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        body = json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:  # the base's signature
        pass


@pytest.fixture(scope="module")
def echo() -> Iterator[Nginx]:
    """Return an nginx before a process that tells what it was sent, and one that is not there."""
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


def told(nginx: Nginx, **headers: str) -> dict[str, list[str]]:
    """Return the headers a process is sent."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(base_url=nginx.url, trust_env=False) as client:
        found: dict[str, list[str]] = {}
        for name, value in client.get("/", headers=given).raise_for_status().json():
            found.setdefault(name, []).append(value)
        return found


FORWARDING: Final = {
    "x-forwarded-for": LOOPBACK,
    "x-forwarded-proto": "http",
    "x-forwarded-host": None,  # the site's own
    "x-forwarded-port": None,  # the client's
    "x-real-ip": LOOPBACK,
    "x-forwarded-prefix": "",
    "forwarded": "",
    "daphne-root-path": "",
    "proxy": "",
}


@pytest.mark.parametrize("name", FORWARDING)
def test_what_a_client_says_under_the_name_of_a_proxy_is_not_passed_on(echo: Nginx, name: str) -> None:
    """Seen failing, header by header, with its `proxy_set_header` taken out, and with `$proxy_add_x_forwarded_for`."""
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
    with httpx.Client(base_url=echo.url, trust_env=False) as client:
        assert {client.post("/", content=b"x").status_code for _ in range(10)} == {200}


def test_a_body_that_is_too_large_is_refused_as_the_api_does(echo: Nginx) -> None:
    largest = conf.number("MAX_BODY_BYTES")
    with httpx.Client(base_url=echo.url, trust_env=False) as client:
        assert client.post("/api/", content=b"x" * largest).status_code == 200
        refused = client.post("/api/", content=b"x" * (largest + 1))
    assert refused.status_code == errors.TooLarge.status
    assert refused.headers["content-type"] == "application/json"
    assert refused.json() == {"code": errors.TooLarge.code, "detail": f"The body has more than {largest} bytes."}


TOKEN: Final = "7N42dgm5tFLK9N8MT7fHC7.x-Y_z0"


@pytest.mark.parametrize(
    ("asked", "logged"),
    [
        (f"/public/{TOKEN}/", "/public/-/"),
        (f"/public/{TOKEN}/embed/?view=week", "/public/-/embed/?view=week"),
        (f"/calendar/public/{TOKEN}/", "/calendar/public/-/"),
        (f"/ws/?link={TOKEN}", "/ws/?link=-"),
        (f"/ws/?a=1&link={TOKEN}&b=2", "/ws/?a=1&link=-&b=2"),
        ("/api/calendars/?a=1", "/api/calendars/?a=1"),
    ],
)
def test_the_token_of_a_public_link_is_not_logged(echo: Nginx, asked: str, logged: str) -> None:
    """Fails with nginx's own log format."""
    mark = str(uuid4())
    headers = {"User-Agent": mark, "Referer": f"{echo.url}/public/{TOKEN}/"}
    httpx.get(f"{echo.url}{asked}", headers=headers)
    wait_until(lambda: mark in echo.access_log(), what="the request in the log")
    assert f'"GET {logged} HTTP/1.1" 200' in next(line for line in echo.access_log().splitlines() if mark in line)
    assert TOKEN not in echo.access_log()


def test_metrics_are_for_those_inside(echo: Nginx) -> None:
    with httpx.Client(base_url=echo.url, trust_env=False) as client:
        assert client.get("/metrics").status_code == 404


# --- a production site behind it ------------------------------------------------------------------------------------

PREFIX: Final = "/team/calendar"
OWNER: Final = {"username": "olga", "password": "a-password-of-her-own-1"}


class Production:
    """A first start as docs/deploying.md has it, in an empty folder: one process on SQLite below a path, behind nginx, which ends TLS."""

    def __init__(self, folder: Path, tls: tuple[Path, Path]) -> None:
        self.port = free_port()
        self.log = folder / "log"
        self.nginx = Nginx(nodes=[f"{LOOPBACK}:{self.port}"], tls=tls, prefix=PREFIX, static=folder / "static")
        inherited = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        self.environ = inherited | {
            "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
            "ALLOWED_HOSTS": LOOPBACK,
            "BEHIND_TLS_PROXY": "1",
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "STATIC_ROOT": str(folder / "static"),
            "FORCE_SCRIPT_NAME": PREFIX,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str, **environ: str) -> None:
        made = run(sys.executable, "manage.py", *arguments, cwd=ROOT, env=self.environ | environ)
        assert made.returncode == 0, made.stderr

    def start(self) -> None:
        self.manage("check", "--deploy", "--fail-level", "WARNING")
        self.manage("migrate", "--no-input")
        self.manage("collectstatic", "--no-input")
        password = {"DJANGO_SUPERUSER_PASSWORD": OWNER["password"]}
        self.manage("createsuperuser", "--no-input", "--username", OWNER["username"], "--email", "", **password)
        command = [str(self.port) if word == "$PORT" else word for word in web_command("Procfile.cluster")]
        command = [str(BIN / command[0]), *command[1:]]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=log, stderr=log)
        self.nginx.start()
        ready = run(sys.executable, "-m", "project.ready", str(self.port), "30", cwd=ROOT, env=self.environ)
        assert ready.returncode == 0, self.log.read_text()

    def close(self) -> None:
        self.nginx.close()
        if self._process:
            self._process.terminate()
            self._process.wait(15)


def web_command(procfile: str) -> list[str]:
    """Return the words by which a Procfile starts a process of the site."""
    line = re.search(r"^web: (?:exec )?(.*)$", (ROOT / procfile).read_text(), re.MULTILINE)
    assert line
    return line[1].split()


@pytest.fixture(scope="module")
def production(tls: tuple[Path, Path]) -> Iterator[Production]:
    folder = servers.open_folder("calendar-production-")
    site = Production(folder, tls)
    try:
        site.start()
        yield site
        assert "Traceback" not in site.log.read_text()
    finally:
        site.close()
        shutil.rmtree(folder)


@pytest.fixture
def browser(production: Production) -> Iterator[httpx.Client]:
    """Return a client that is signed in as the first owner."""
    with httpx.Client(base_url=production.nginx.url, trust_env=False, verify=False) as client:  # noqa: S501 - nobody trusts it
        form = client.get(f"{PREFIX}/login/").raise_for_status()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
        assert token
        client.headers.update({"Referer": f"{production.nginx.url}{PREFIX}/login/", "Origin": production.nginx.url})
        signed_in = client.post(f"{PREFIX}/login/", data={"csrfmiddlewaretoken": token[1], **OWNER})
        assert (signed_in.status_code, signed_in.headers["location"]) == (302, f"{PREFIX}/")
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


def page_data(client: httpx.Client) -> dict[str, Any]:
    page = client.get(f"{PREFIX}/").raise_for_status()
    data = re.search(r'<script id="page-data"[^>]*>(.*?)</script>', page.text)
    assert data
    found: dict[str, Any] = json.loads(data[1])
    return found


def test_everything_the_page_asks_for_is_below_the_path(browser: httpx.Client) -> None:
    """Seen failing with `/ws/` as the socket's address whatever the prefix, and without FORCE_SCRIPT_NAME in the site's settings."""
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
    """Seen failing without the prefix in project/asgi.py (no route), and with X-Forwarded-Proto not set (another origin)."""
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
    with httpx.Client(base_url=f"http://{LOOPBACK}:{production.port}", trust_env=False) as client:
        away = client.get(f"{PREFIX}/login/")
        assert (away.status_code, away.headers["location"]) == (
            301,
            f"https://{LOOPBACK}:{production.port}{PREFIX}/login/",
        )
        assert client.get(f"{PREFIX}/healthz").status_code == 200
        assert client.get(f"{PREFIX}/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/ws/", "/elsewhere/ws/", f"{PREFIX}ws/"])
def test_a_socket_elsewhere_is_refused_without_a_traceback(production: Production, path: str) -> None:
    """Whatever a client says in daphne's header for the root path."""
    headers = {"Daphne-Root-Path": "/elsewhere"}
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://{LOOPBACK}:{production.port}{path}", additional_headers=headers, proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403
    assert "Traceback" not in production.log.read_text()
