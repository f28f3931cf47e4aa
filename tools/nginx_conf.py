"""Write deploy/nginx.conf for other addresses and paths. Everything else stays as it is there.

    python tools/nginx_conf.py --name calendar.example.org --node 127.0.0.1:8001 --node 127.0.0.1:8002 \\
        --tls cert.pem key.pem > nginx.conf
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

Version: TypeAlias = tuple[int, ...]

SOURCE: Final = Path(__file__).resolve().parents[1] / "deploy" / "nginx.conf"
# Folders of Debian that only root has on PATH.
SBIN: Final = "/usr/sbin:/usr/local/sbin"
# The oldest nginx that is known to read the file; it is Debian 11's.
OLDEST: Final = (1, 18)
# From the CHANGES of nginx: since 1.25.1, `http2` is a directive instead of a parameter of `listen`; since 1.27.3,
# `resolve` in an upstream no longer needs the commercial version.
HTTP2: Final = (1, 25, 1)
RESOLVE: Final = (1, 27, 3)


@cache
def version_of(program: Path, option: str = "-v") -> Version | None:
    """Return the version that nginx, Redis or PostgreSQL prints, or None if it does not start or prints none."""
    try:
        ran = subprocess.run([program, option], capture_output=True, text=True, errors="replace", timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    # The forms are nginx/1.22.1, v=7.0.15 and (PostgreSQL) 15.14.
    said = re.search(r"(?:/|v=|\) )(\d+(?:\.\d+)*)", ran.stdout + ran.stderr)
    return _version(said[1]) if said and not ran.returncode else None


def dotted(version: Version) -> str:
    """Return a version as text, such as 1.22.1."""
    return ".".join(map(str, version))


def _version(text: str) -> Version:
    if not re.fullmatch(r"\d+(\.\d+)*", text):
        raise argparse.ArgumentTypeError(f"A version is written 1.22.1, not {text!r}.")
    return tuple(map(int, text.split(".")))


def nginx_conf(
    *,
    version: Version | None = None,
    nodes: Sequence[str] = (),
    listen: str = "",
    redirect: str = "",
    name: str = "",
    static: str | Path = "",
    tls: tuple[str | Path, str | Path] | None = None,
    prefix: str = "",
    state: str | Path = "",
    resolver: str = "",
    refuse_websockets: bool = False,
) -> str:
    """Return deploy/nginx.conf with the given values. Values that are not given stay as they are there.

    - `version` is the version of the nginx that will read the file, by default the newest.
    - `nodes` has the `host:port` of each process.
    - `listen` is a port or `host:port`.
    - `static` is the folder that `collectstatic` fills.
    - `tls` has the certificate and the key. With it, plain HTTP on `redirect` (80) is redirected to HTTPS.
    - `prefix` is a path such as `/calendar`, the same as FORCE_SCRIPT_NAME.
    - `state` is a folder for the process id, logs and temporary files of an nginx that is not the machine's.
    - `resolver` is a DNS server that is asked again and again for the names in `nodes`.
    - `refuse_websockets` makes nginx behave like a network that blocks WebSockets.

    Raises ValueError for a wrong prefix, and for a `resolver` with a version before 1.27.3.
    """
    text = SOURCE.read_text()
    if version and version < HTTP2:
        text = _sub(r"(?m)^ *#tls http2 on;\n", "", text)
        text = _sub(r"listen 443 ssl ", "listen 443 ssl http2 ", text)
    if resolver and version and version < RESOLVE:
        raise ValueError(
            f"A resolver needs nginx {dotted(RESOLVE)} or newer, and this is {dotted(version)}. "
            "Install a newer nginx, or name the processes by addresses that stay, without a resolver."
        )
    if tls:
        text = _sub(r"(?m)^( *)#tls ", r"\1", text)
        text = _sub(r"(?m)^ *listen 80 default_server;\n(?= *server_name .*\n *listen 443)", "", text)
        if redirect:
            text = _sub(r"listen 80 ", f"listen {redirect} ", text)
        text = _sub(r"ssl_certificate .*;", f'ssl_certificate "{tls[0]}";', text)
        text = _sub(r"ssl_certificate_key .*;", f'ssl_certificate_key "{tls[1]}";', text)
    if listen:
        text = _sub(r"listen 443 " if tls else r"listen 80 ", f"listen {listen} ", text)
    if name:
        text = _sub(r"calendar\.example\b", name, text)
    if nodes:
        again = " resolve" if resolver else ""
        servers = "".join(f"        server {node} max_fails=0{again};\n" for node in nodes)
        text = _sub(r"(?m)(^ *server .* max_fails=0;\n)+", servers, text)
    if resolver:
        text = _sub(r"(?m)^( *)zone .*\n", rf"\g<0>\1resolver {resolver} valid=5s;\n", text)
    if static:
        text = _sub(r"alias .*;", f'alias "{static}/";', text)
    if refuse_websockets:
        text = _sub(r"(?m)^( *)(?=location / )", r"\1location = /ws/ {\n\1    return 403;\n\1}\n\n\1", text)
    if prefix:
        if not re.fullmatch(r"(/[\w-]+)+", prefix):
            raise ValueError(f"A prefix is written /calendar, not {prefix!r}.")
        text = _sub(r"(location (?:= |~ \^)?)/", rf"\1{prefix}/", text)
    if state:
        for path in ("/run/", "/var/log/nginx/", "/var/lib/nginx/"):
            text = _sub(rf"((?:pid|error_log|access_log|_temp_path) ){path}([\w.]+)", rf'\1"{state}/\2"', text)
        unused = "".join(rf'\1{kind}_temp_path "{state}/{kind}";\n' for kind in ("fastcgi", "scgi", "uwsgi"))
        text = _sub(r"(?m)^( *)(?=proxy_temp_path)", unused + r"\1", text)
    return text


def _sub(pattern: str, replacement: str, text: str) -> str:
    changed, count = re.subn(pattern, replacement, text)
    if not count:
        raise ValueError(f"{SOURCE.name} has no {pattern}: the two have come apart.")
    return changed


def main(arguments: Sequence[str]) -> int:
    """Print the file for the given addresses and paths."""
    parser = argparse.ArgumentParser(prog="python tools/nginx_conf.py", description=main.__doc__)
    parser.add_argument(
        "--node", action="append", default=[], dest="nodes", metavar="HOST:PORT", help="a process; again for each"
    )
    parser.add_argument("--listen", default="", metavar="[HOST:]PORT", help="where nginx listens")
    parser.add_argument("--name", default="", help="the site's host name")
    parser.add_argument("--static", default="", metavar="FOLDER", help="what collectstatic filled")
    parser.add_argument(
        "--tls", nargs=2, metavar=("CERTIFICATE", "KEY"), help="end TLS here, and send HTTP on to HTTPS"
    )
    parser.add_argument("--prefix", default="", metavar="/PATH", help="mount below a path, as FORCE_SCRIPT_NAME")
    parser.add_argument(
        "--state", default="", metavar="FOLDER", help="process id, logs and temporary files, for an nginx of its own"
    )
    parser.add_argument(
        "--resolver", default="", metavar="ADDRESS", help="a DNS server to look the processes up with, again and again"
    )
    parser.add_argument(
        "--version", type=_version, help="of the nginx that reads the file (default: of the one here, else the newest)"
    )
    given = vars(parser.parse_args(arguments))
    if not given["version"]:
        here = shutil.which("nginx") or shutil.which("nginx", path=SBIN)
        given["version"] = version_of(Path(here)) if here else None
    try:
        print(nginx_conf(**given), end="")
    except ValueError as wrong:
        parser.error(str(wrong))
    read_by = (
        f"nginx {dotted(given['version'])}" if given["version"] else "the newest nginx, because there is none here"
    )
    print(f"Written for {read_by}; --version names another.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
