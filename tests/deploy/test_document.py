"""Tests that docs/deploying.md and the commands that it tells you to type agree with the files, settings and tools."""

from __future__ import annotations

import re
import shlex
from typing import Final

import pytest

from tests.deploy.files import COMPOSE, EXAMPLE, KEPT, ROOT, UNIT, compose, example, run
from tools.nginx_conf import main, nginx_conf

DOCUMENT: Final = (ROOT / "docs/deploying.md").read_text()
SHELL: Final = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[list[str]]:
    """Return the words of each command that the document tells you to type for a program, without redirections."""
    text = "\n".join(SHELL).replace("\\\n", " ")
    found = re.findall(rf"(?:^|\s){re.escape(program)} ([^|\n#>]*)", text)
    return [shlex.split(one) for one in found]


def test_what_is_to_be_typed_is_a_shells() -> None:
    assert len(SHELL) > 8
    assert [block for block in SHELL if run("sh", "-n", "-c", block).returncode] == []


def test_nginx_is_written_as_the_document_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    typed = commands(".venv/bin/python tools/nginx_conf.py")
    assert len(typed) == 2
    for words in typed:
        assert main(words) == 0
        nodes = re.findall(r"server (\S+) max_fails=0", capsys.readouterr().out)
        assert nodes == [words[at + 1] for at, word in enumerate(words) if word == "--node"]
    named = set(re.findall(r"tools/nginx_conf\.py[^\n`]*?(--\w+)", DOCUMENT.replace("\\\n", " ")))
    assert named <= set(re.findall(r"--\w+", (ROOT / "tools/nginx_conf.py").read_text()))


def test_every_variable_that_is_said_to_matter_is_read() -> None:
    table = DOCUMENT.partition("## Settings that matter here")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)
    read = re.findall(r"env(?:\.\w+)?\(\s*\"([A-Z_]+)\"", (ROOT / "project/settings.py").read_text())
    assert len(told) > 10
    assert [name for name in told if name not in read] == []
    assert example().keys() - {"SITE_NAME", "POSTGRES_PASSWORD", "CERTIFICATES"} <= set(told)


def test_every_file_and_place_that_is_named_is_theirs() -> None:
    text = "\n".join(SHELL)
    assert [
        one for one in re.findall(r"\bdeploy/[\w@.-]+", text) if not (ROOT / one).exists() and one != "deploy/.env"
    ] == []
    assert set(re.findall(r"/etc/calendar-live[\w.]*", DOCUMENT)) == set(
        re.findall(r"/etc/calendar-live[\w.]*", UNIT.read_text())
    )
    assert set(re.findall(r"/var/lib/[\w-]+", text)) == {KEPT}
    assert "/etc/calendar-live.env" in EXAMPLE.read_text()
    services = set(re.findall(r"exec (?:-T )?(\w+) |--wait (\w+)`", DOCUMENT))
    assert {name for pair in services for name in pair if name} >= {"web1", "nginx", "postgres"}
    assert {name for pair in services for name in pair if name} - {"runuser"} <= compose()["services"].keys()


def test_the_figures_that_the_document_repeats_are_those_of_the_files() -> None:
    conf = nginx_conf()
    assert re.findall(r"worker_connections (\d+);", conf) == ["16384"]
    assert "16,384 connections" in DOCUMENT
    assert "worker_rlimit_nofile 65536;" in conf
    assert "LimitNOFILE=65536" in UNIT.read_text()
    assert "nofile: 65536" in COMPOSE.read_text()
    assert "65,536" in DOCUMENT
    assert "worker_shutdown_timeout 30s;" in conf
    assert "proxy_read_timeout 75s;" in conf
    assert "75 s here" in DOCUMENT
