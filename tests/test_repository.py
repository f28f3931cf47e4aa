"""Tests the rules for committed files, such as: no hosts, paths or secrets, complete locks, and documented settings."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from calendar_live import conf

ROOT: Final = Path(__file__).parents[1]

FORBIDDEN: Final = {
    "the host of a package registry": re.compile(
        r"https?://[\w.-]*(registry|pypi|npmjs|pythonhosted|artifact|mirror|proxy)[\w.-]*", re.IGNORECASE
    ),
    "a path of somebody's machine": re.compile(r"(?<![\w.$}-])/(root|work|Users/\w+|home/\w+)/\w"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an access token": re.compile(
        r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|glpat-[\w-]{20}|xox[abpr]-[\w-]{10,}|npm_\w{36})\b"
    ),
    "a merge conflict": re.compile(r"^(<<<<<<<|>>>>>>>) ", re.MULTILINE),
}


@cache
def tracked() -> dict[str, str]:
    """Return the text of every tracked text file, by its path."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    texts = {}
    for name in filter(None, listed.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content:
            texts[name] = content.decode()
    return texts


def violations(text: str) -> list[str]:
    """Return what a text contains that no committed file may contain."""
    return [f"{what}: {hit.group()}" for what, pattern in FORBIDDEN.items() for hit in pattern.finditer(text)]


def test_tracked_files_name_no_registry_host_machine_path_or_secret() -> None:
    found = [f"{name}: {violation}" for name, text in tracked().items() for violation in violations(text)]
    assert found == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("https:" + "//pypi.example/simple", "the host of a package registry"),
        ('"resolved": "https:' + '//registry.example/x.tgz"', "the host of a package registry"),
        ("cd " + "/root/" + "project", "a path of somebody's machine"),
        ("file:" + "//" + "/home/" + "ana/x", "a path of somebody's machine"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", "a private key"),
        ("ghp_" + "a" * 36, "an access token"),
    ],
)
def test_what_may_not_be_committed_is_found(text: str, what: str) -> None:
    assert [violation.partition(":")[0] for violation in violations(text)] == [what]


@pytest.mark.parametrize(
    "text", ["proxy_pass http://127.0.0.1:8000;", "docs/work/x", "/var/lib/calendar", "https://example.org/"]
)
def test_what_may_be_committed_is_left_alone(text: str) -> None:
    assert violations(text) == []


def test_nothing_ignored_is_tracked() -> None:
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout == ""


@pytest.mark.parametrize(
    "name",
    [
        "calendar_live/static/calendar_live/dist/page.js",
        "frontend/node_modules/x/index.js",
        "frontend/dist/live-calendar.js",
        "tests/e2e/node_modules/x",
        "var/db.sqlite3",
        ".venv/bin/python",
        ".make/test",
        ".env",
    ],
)
def test_what_is_built_or_private_is_ignored(name: str) -> None:
    assert subprocess.run(["git", "check-ignore", "--quiet", "--no-index", name], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("name", ["requirements/run.txt", "requirements/test.txt"])
def test_a_python_lock_names_no_host_and_hashes_everything(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in requirement, requirement


@pytest.mark.parametrize("folder", ["frontend", "tests/e2e"])
def test_an_npm_lock_names_no_host_and_hashes_everything(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name and not package.get("link")}
    assert [name for name, package in installed.items() if "://" in package.get("resolved", "")] == []
    assert [name for name, package in installed.items() if "integrity" not in package] == []


@pytest.mark.parametrize("folder", ["frontend", "tests/e2e"])
def test_an_npm_lock_holds_the_optional_packages_of_every_platform(folder: str) -> None:
    """`npm ci` refuses a lock that lacks one. npm silently leaves out packages that its registry does not have."""
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    locked = {name.rpartition("node_modules/")[2] for name in packages}
    optional = {name for package in packages.values() for name in package.get("optionalDependencies", {})}
    assert sorted(optional - locked) == []


def pins(name: str) -> set[str]:
    """Return the `name==version` of each requirement of a lock."""
    return set(re.findall(r"^\w\S*==\S+", (ROOT / name).read_text(), re.MULTILINE))


def test_the_tests_run_with_what_the_site_runs_with() -> None:
    assert pins("requirements/run.txt") < pins("requirements/test.txt")


def test_make_and_the_front_end_ask_for_the_same_node() -> None:
    engines = json.loads((ROOT / "frontend/package.json").read_text())["engines"]["node"]
    assert f"Node {engines.removeprefix('>=')} or newer" in (ROOT / "tools/need-node").read_text()


def test_make_help_lists_what_is_promised() -> None:
    promised = {"help", "run", "test", "check", "verify", "fmt", "lock", "bench", "soak", "docs", "screenshots"}
    listed = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert promised <= set(re.findall(r"^  make (\w+)", listed, re.MULTILINE))


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    pattern = re.compile(
        r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b|\b(it|test|describe)\.(skip|todo|only)\b"
    )
    here = Path(__file__).relative_to(ROOT).as_posix()
    tests = {
        name: text for name, text in tracked().items() if name.startswith(("tests/", "frontend/")) and name != here
    }
    assert [name for name, text in tests.items() if pattern.search(text)] == []


def test_no_test_sleeps() -> None:
    of_tests = ("tests/", "testbed/")
    tests = {name: text for name, text in tracked().items() if name.startswith(of_tests) and name.endswith(".py")}
    pattern = re.compile(r"\btime\.sleep\(|\bwait_for_timeout\(|networkidle|\basyncio\.sleep\((?!0\))")
    allowed = {"testbed/waiting.py", Path(__file__).relative_to(ROOT).as_posix()}
    assert [name for name, text in tests.items() if name not in allowed and pattern.search(text)] == []


def test_nothing_outside_the_tests_imports_from_them() -> None:
    """Code that bench, soak and tools share with the tests belongs in testbed/."""
    pattern = re.compile(r"^\s*(?:from|import) tests\b", re.MULTILINE)
    others = {name: text for name, text in tracked().items() if name.endswith(".py") and not name.startswith("tests/")}
    assert [name for name, text in others.items() if pattern.search(text)] == []


def test_conf_alone_reads_the_settings() -> None:
    """Models and migrations may name AUTH_USER_MODEL, as usual in Django.

    Seen failing when api/auth.py read the name of the session's cookie.
    """
    app = {name: text for name, text in tracked().items() if name.startswith("calendar_live/") and name.endswith(".py")}
    allowed = ("calendar_live/conf.py", "calendar_live/migrations/")
    pattern = re.compile(r"\bsettings\.(?!AUTH_USER_MODEL\b)[A-Z_]{3,}")
    assert [name for name, text in app.items() if not name.startswith(allowed) and pattern.search(text)] == []


# Names for the time or the memory that something takes on a machine.
MEASURED: Final = re.compile(
    r"seconds|millisec|_ms\b|^ms$|elapsed|took|stale|latenc|rss|resident|cpu|"
    r"^(time|monotonic|perf_counter|process_time)$",
    re.IGNORECASE,
)
# Asserts that compare settings. tests/deploy has no others.
OF_SETTINGS: Final = {"max(conf.app.HEARTBEAT_SECONDS, conf.app.MAX_WAIT_SECONDS) < UNTOLD_SECONDS"}
PATIENCE_SECONDS: Final = 10  # ten times the second that is promised


def names_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                yield name


def asserted_figures(source: str) -> list[str]:
    """Return the asserts that limit a figure of the machine."""
    return [
        ast.unparse(found.test)
        for found in ast.walk(ast.parse(source))
        if isinstance(found, ast.Assert)
        and any(
            any(isinstance(order, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for order in compared.ops)
            and any(map(MEASURED.search, names_in(compared)))
            for compared in ast.walk(found.test)
            if isinstance(compared, ast.Compare)
        )
    ]


def short_waits(source: str) -> list[str]:
    """Return the calls that fail when something takes longer than a few seconds."""
    return [
        ast.unparse(call)
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        for bound in [
            *(given.value for given in call.keywords if given.arg in ("timeout", "timeout_seconds")),
            *(call.args if ast.unparse(call.func) in ("asyncio.timeout", "asyncio.wait_for") else ()),
        ]
        if isinstance(bound, ast.Constant)
        and isinstance(bound.value, int | float)
        and 0 < bound.value < PATIENCE_SECONDS
    ] + [
        ast.unparse(call)
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and re.fullmatch(
            r"httpx\.(Async)?Client|httpx\.(get|post|put|patch|delete|request|stream)", ast.unparse(call.func)
        )
        and "timeout" not in {given.arg for given in call.keywords}  # httpx gives up after 5 s
    ]


@pytest.mark.parametrize(
    "source",
    [
        "assert time.monotonic() - started < 3",
        "assert 4 < since(started) < took",
        "assert row['cpu_seconds_per_million'] > 0",
        "assert stale and median(of(costs).cpu_ms) > 1.5 * median(alone.cpu_ms)",
        "assert node.resident_bytes() - before < 12_000_000",
        "assert all(one.stale_seconds <= BOUND for one in outcomes)",
    ],
)
def test_an_asserted_figure_is_noticed(source: str) -> None:
    assert len(asserted_figures(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "wait_until(it, what='it', timeout_seconds=3)",
        "asyncio.wait_for(it, 0.5)",
        "async def f():\n    async with asyncio.timeout(5): ...",
        "httpx.Client(base_url=url)",
    ],
)
def test_a_wait_that_is_too_short_is_noticed(source: str) -> None:
    assert len(short_waits(source)) == 1


def test_no_test_asserts_a_figure_of_the_machine_or_waits_too_briefly() -> None:
    """A slow or busy machine must fail no test: `make bench` and `make soak` report figures.

    Seen failing with each kind of such a test.
    """
    tests = {
        name: text
        for name, text in tracked().items()
        if name.startswith(("tests/", "testbed/")) and name.endswith(".py") and not name.startswith("tests/deploy/")
    }
    asserted = [(name, one) for name, text in tests.items() for one in asserted_figures(text) if one not in OF_SETTINGS]
    waits = [(name, one) for name, text in tests.items() if "/test_" in name for one in short_waits(text)]
    assert asserted + waits == []


def test_no_test_of_the_front_end_reads_a_clock_or_the_memory_of_the_machine() -> None:
    pattern = re.compile(r"performance\.now|hrtime|memoryUsage|cpuUsage")
    assert [
        name for name, text in tracked().items() if name.startswith("frontend/tests/") and pattern.search(text)
    ] == []


def documents() -> str:
    """Return all documents of docs/ as one text."""
    return "\n".join(text for name, text in tracked().items() if name.startswith("docs/") and name.endswith(".md"))


def test_every_setting_is_documented() -> None:
    assert [name for name in conf.DEFAULTS if f"`{name}`" not in documents()] == []


def test_every_variable_of_the_environment_is_documented() -> None:
    read = re.findall(r"env(?:\.\w+)?\(\s*\"([A-Z_]+)\"", (ROOT / "project/settings.py").read_text())
    assert len(read) > 5
    assert [name for name in read if f"`{name}`" not in documents()] == []
