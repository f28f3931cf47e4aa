"""Tests that the Dockerfile and compose.yaml pass their checkers, agree with other files, and have commands that work.

This needs no container engine: the steps and commands run here, in a folder with the same content as the image.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from calendar_live import conf
from testbed.binaries import find_nginx
from testbed.cluster import Node
from testbed.servers import LOOPBACK
from tests.deploy.files import (
    ANYBODYS,
    BIN,
    CHECKOUT,
    COMPOSE,
    DEPLOY,
    DOCKERFILE,
    EXAMPLE,
    KEPT,
    ROOT,
    bases,
    compose,
    example,
    image_command,
    image_options,
    image_steps,
    nginx_directives,
    run,
    seconds,
)
from tools.nginx_conf import RESOLVE, nginx_conf

SERVICES: Final[dict[str, Any]] = compose()["services"]
WEB: Final = {name: service for name, service in SERVICES.items() if name.startswith("web")}
NODES: Final = f"{' '.join(f'{name}:8000' for name in WEB)}"


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


# --- the image ------------------------------------------------------------------------------------------------------


def test_hadolint_finds_nothing_wrong_with_the_image() -> None:
    """Seen failing without `--no-cache-dir`, and with an `nginx` image that has no version."""
    looked = run(BIN / "hadolint", "--format", "json", "--disable-ignore-pragma", DOCKERFILE)
    assert json.loads(looked.stdout) == []


def test_no_image_names_a_registry() -> None:
    named = [name for name, _ in bases().values()] + [
        service["image"] for service in SERVICES.values() if "build" not in service
    ]
    assert len(named) == len(re.findall("^FROM", DOCKERFILE.read_text(), re.MULTILINE)) + 2
    assert [name for name in named if "/" in name] == []


def test_the_image_is_made_with_versions_that_the_site_is_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    engines = json.loads((ROOT / "frontend/package.json").read_text())["engines"]
    node, python = bases()["page"], bases()["site"]
    assert (node[0], python[0]) == ("node", "python")
    # `node:24` is the newest version 24, so it satisfies any minimum below 25.
    assert version(node[1]) > version(engines["node"])[:1]
    assert version(python[1]) >= version(project["requires-python"])
    assert bases()["nginx-conf"] == python


def test_the_image_is_run_by_nobody_special_and_told_to_stop_in_words_it_understands() -> None:
    assert image_steps("USER")[-1] in image_steps("RUN")[0]
    assert int(image_steps("USER")[-1]) > 0
    assert image_steps("STOPSIGNAL") == ["SIGTERM"]
    assert list(bases())[-1] == "site"


def test_the_image_is_made_of_hashed_packages() -> None:
    assert any("--no-deps --require-hashes --requirement requirements/run.txt" in step for step in image_steps("RUN"))
    assert any(step.startswith("npm --prefix frontend ci ") for step in image_steps("RUN", "page"))


def copied(stage: str) -> list[tuple[str, str]]:
    """Return the source and target of each path that a stage copies from the checkout."""
    steps = [step.split() for step in image_steps("COPY", stage) if not step.startswith("--from")]
    return [(source, target) for *sources, target in steps for source in sources]


def test_the_context_holds_what_is_copied_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    allowed = [line.removeprefix("!") for line in lines if line.startswith("!")]
    sources = {source for stage in bases() for source, _ in copied(stage)}
    assert [one for one in sources if not any(one == it or one.startswith(f"{it}/") for it in allowed)] == []
    assert [one for one in allowed if one not in sources] == []
    assert {"calendar_live/static/calendar_live/dist", "frontend/node_modules", "**/.env*"} <= set(lines)


def put_together(stage: str, folder: Path) -> None:
    """Copy everything that a stage copies from the checkout into a folder."""
    for source, target in copied(stage):
        place = folder / target / Path(source).name if target.endswith("/") else folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, place)


def test_what_the_image_holds_starts_is_found_healthy_and_stops_in_order(tmp_path: Path) -> None:
    """Seen failing without `COPY project project`, with another port in HEALTHCHECK, and with no such module in CMD."""
    put_together("site", tmp_path)
    own = dict(one.split("=", 1) for step in image_steps("ENV") for one in step.split())
    environ = {name: value.replace(KEPT, str(tmp_path)) for name, value in own.items()} | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "SECRET_KEY": "for-this-test-alone",
        "ALLOWED_HOSTS": LOOPBACK,
    }
    for command in ([*image_steps("RUN")[-1].split()], SERVICES["release"]["command"]):
        ran = run(*command, cwd=tmp_path, env=environ)
        assert ran.returncode == 0, ran.stderr
    listening = {"0.0.0.0": LOOPBACK, "8000": "$PORT"}  # noqa: S104 - replaced
    there = ["sh", "-c", 'cd "$0" && exec "$@"', str(tmp_path)]
    start = [listening.get(word, word) for word in image_command("CMD")]
    node = Node(environ=environ, log=tmp_path / "log", command=[*there, *start])
    look = [str(node.port) if word == "8000" else word for word in image_command("HEALTHCHECK")]
    assert run(*there, *look, env=environ).returncode == 1
    try:
        node.start()
        assert run(*there, *look, env=environ).returncode == 0
    finally:
        ended = node.stop() if node.runs else None
    assert ended == 0, node.log()


def test_every_process_listens_where_it_is_looked_for() -> None:
    start = image_command("CMD")
    assert start[start.index("--port") + 1] == "8000"
    assert image_command("HEALTHCHECK")[-1] == "8000"
    assert image_steps("EXPOSE") == ["8000"]
    assert SERVICES["nginx"]["build"]["args"]["NODES"] == NODES
    assert f'NODES="{NODES}"' in image_steps("ARG", "nginx-conf")


@pytest.mark.parametrize("prefix", ["", "/team/calendar"])
def test_nginx_takes_the_file_that_its_image_is_made_with(prefix: str, tls: tuple[Path, Path], tmp_path: Path) -> None:
    put_together("nginx-conf", tmp_path)
    (step,) = image_steps("RUN", "nginx-conf")
    given = {"SITE_NAME": "calendar.example.org", "PREFIX": prefix, "NODES": NODES}
    path = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    ran = run("sh", "-euc", step, cwd=tmp_path, env=path | given)
    assert ran.returncode == 0, ran.stderr
    made = (tmp_path / "nginx.conf").read_text()
    certificate = (Path("/etc/ssl/calendar/fullchain.pem"), Path("/etc/ssl/calendar/privkey.pem"))
    asked: dict[str, Any] = {
        "name": "calendar.example.org",
        "nodes": NODES.split(),
        "resolver": "127.0.0.11",
        "prefix": prefix,
    }
    assert made == nginx_conf(**asked, tls=certificate)
    (tmp_path / "nginx.conf").write_text(nginx_conf(**asked, **ANYBODYS, tls=tls, state=tmp_path))
    tried = run(find_nginx(), "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf")
    assert "test is successful" in tried.stderr
    assert re.findall(r"--version (\S+)", step) == [bases()["nginx"][1]]
    assert version(bases()["nginx"][1]) >= RESOLVE


# --- compose.yaml -----------------------------------------------------------------------------------------------------


def test_the_services_are_as_the_compose_schema_has_them() -> None:
    checked = run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)
    assert checked.returncode == 0, checked.stdout


def test_a_process_is_given_longer_to_stop_than_it_takes() -> None:
    grace = {name: seconds(service["stop_grace_period"]) for name, service in WEB.items()}
    assert len(grace) >= 2
    assert min(grace.values()) > 3 * conf.app.DRAIN_SECONDS  # closing sockets, and a slow machine, take longer
    nginx = nginx_directives("worker_shutdown_timeout", nginx_conf())
    assert [seconds(SERVICES["nginx"]["stop_grace_period"]) > seconds(one) for one in nginx] == [True]


def test_only_nginx_is_reached_from_outside() -> None:
    """A process believes the headers about its clients, so only nginx may reach it. It sends its invitations itself."""
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    assert compose()["networks"]["inside"] == {"internal": True}
    assert {service["networks"][0] for service in SERVICES.values()} == {"inside"}
    others = {name: service["networks"][1:] for name, service in SERVICES.items() if service["networks"][1:]}
    assert others == {"nginx": ["outside"], **{name: ["mail"] for name in [*WEB, "release"]}}
    assert [name for name, service in SERVICES.items() if service.get("privileged") or "network_mode" in service] == []


def test_processes_wait_for_the_database_and_its_release_and_never_for_redis() -> None:
    for service in WEB.values():
        assert service["depends_on"] == {
            "release": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
        }
    assert SERVICES["release"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["nginx"]["depends_on"].keys() == WEB.keys()


def test_every_service_is_looked_after() -> None:
    looked_at = {name for name, service in SERVICES.items() if "test" in service.get("healthcheck", {})}
    # The site's processes have the health check of their image.
    assert looked_at | WEB.keys() | {"release"} == SERVICES.keys()
    assert image_options("HEALTHCHECK").keys() >= {"interval", "timeout", "retries", "start-period"}
    assert {name for name, service in SERVICES.items() if service["restart"] != "unless-stopped"} == {"release"}
    assert [name for name, service in WEB.items() if "command" in service or "healthcheck" in service] == []


def test_static_files_are_where_nginx_looks_for_them() -> None:
    (alias,) = nginx_directives("alias", nginx_conf())
    mounted = {
        name: [one for one in service.get("volumes", []) if one.startswith("static:")]
        for name, service in SERVICES.items()
    }
    place = f"static:{alias.removesuffix('/')}"
    assert mounted["release"] == [place]
    assert {tuple(mounted[name]) for name in [*WEB, "nginx"]} == {(f"{place}:ro",)}
    assert {service["environment"]["STATIC_ROOT"] for service in WEB.values()} == {alias.removesuffix("/")}
    assert image_steps("WORKDIR") == [CHECKOUT]


def test_the_connections_of_all_processes_are_fewer_than_postgresql_has() -> None:
    pool = re.search(r'DATABASE_POOL_MAX", default=(\d+)', (ROOT / "project/settings.py").read_text())
    assert pool
    # PostgreSQL's max_connections is 100 by default. Two more pools are for a release, and for a person.
    assert (len(WEB) + 2) * int(pool[1]) < 100


# --- the settings -----------------------------------------------------------------------------------------------------


def test_the_example_is_read_alike_by_everyone_and_holds_no_secret() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("# ")]
    assert [line for line in lines if not re.fullmatch(r"#?[A-Z_]+=[^\s\"'$\\#`;&|<>()]*", line)] == []
    assert {name for name, value in example().items() if not value} == {
        "SECRET_KEY",
        "METRICS_TOKEN",
        "FORCE_SCRIPT_NAME",
        "POSTGRES_PASSWORD",
    }


def test_every_variable_that_is_asked_for_is_in_the_example_and_the_other_way_round() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text())) - {"VERSION"}
    read = set(re.findall(r"env(?:\.\w+)?\(\s*\"([A-Z_]+)\"", (ROOT / "project/settings.py").read_text()))
    set_here = {name for name, value in re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)}
    assert asked <= set_here
    assert set_here <= asked | read | {"BIND"}


def test_the_settings_of_a_site_are_never_committed() -> None:
    for name in ("deploy/.env", ".env"):
        assert subprocess.run(["git", "check-ignore", "--quiet", "--no-index", name], cwd=ROOT).returncode == 0
    assert [path.name for path in DEPLOY.glob("*.pem")] == []
