"""Starts a production site as an operator does, behind an nginx that ends TLS, and reads its page as a browser does."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from testbed.cluster import Node
from testbed.servers import LOOPBACK, Nginx
from tests.deploy.files import BIN, EXAMPLE, KEPT, ROOT, compose, run, unit_command

PREFIX: Final = "/team/calendar"
OWNER: Final = {"username": "olga", "password": "a-password-of-her-own-1"}


def certificate(folder: Path) -> tuple[Path, Path]:
    """Return the paths of a self-signed certificate for loopback and of its key."""
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


class Production:
    """A first start as in docs/deploying.md: the example's settings, the unit's process, SQLite, a path, and nginx."""

    def __init__(self, folder: Path, tls: tuple[Path, Path]) -> None:
        self._settings = folder / "calendar-live.env"
        self._settings.write_text(self._filled_in(folder))
        self.environ = self._as_a_shell_reads_it()
        self.node = Node(environ=self.environ, log=folder / "log", command=unit_command("ExecStart"))
        self.nginx = Nginx(nodes=[f"{LOOPBACK}:{self.node.port}"], tls=tls, prefix=PREFIX, static=folder / "static")

    @staticmethod
    def _filled_in(folder: Path) -> str:
        text = EXAMPLE.read_text().replace(KEPT, str(folder)).replace("calendar.example", LOOPBACK)
        text = text.replace("FORCE_SCRIPT_NAME=", f"FORCE_SCRIPT_NAME={PREFIX}")
        return text.replace(
            "SECRET_KEY=\n", "SECRET_KEY=for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ\n"
        )

    def _as_a_shell_reads_it(self) -> dict[str, str]:
        """Return the environment of the site's processes, read by the shell line that docs/deploying.md gives."""
        inherited = {name: value for name, value in os.environ.items() if name in {"HOME", "LANG"}}
        command = ["sh", "-c", 'set -a; . "$0"; set +a; env -0', str(self._settings)]
        read = run(*command, env=inherited | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"})
        assert read.returncode == 0, read.stderr
        return dict(one.partition("=")[::2] for one in read.stdout.split("\0") if one)

    def run(self, *command: str, **environ: str) -> None:
        """Run a command in the site's environment."""
        ran = run(*command, cwd=ROOT, env=self.environ | environ)
        assert ran.returncode == 0, ran.stderr

    def start(self) -> None:
        self.run("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING")
        self.run(*compose()["services"]["release"]["command"])
        names = ["--username", OWNER["username"], "--email", ""]
        password = {"DJANGO_SUPERUSER_PASSWORD": OWNER["password"]}
        self.run("python", "manage.py", "createsuperuser", "--no-input", *names, **password)
        self.node.launch()
        self.nginx.start()
        waiting = [str(self.node.port) if word == "$PORT" else word for word in unit_command("ExecStartPost")]
        self.run(*waiting)

    def close(self) -> int | None:
        """Stop nginx and the process. Return the exit code of the process, or None if it does not run."""
        self.nginx.close()
        return self.node.stop() if self.node.runs else None


def page_data(client: httpx.Client) -> dict[str, Any]:
    page = client.get(f"{PREFIX}/").raise_for_status()
    data = re.search(r'<script id="page-data"[^>]*>(.*?)</script>', page.text)
    assert data
    found: dict[str, Any] = json.loads(data[1])
    return found
