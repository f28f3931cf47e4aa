"""Tests that the documents agree with the code: frames, settings, codes, calls, links, commands, and tests of rules."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from calendar_live import conf, errors
from calendar_live.api.app import api
from calendar_live.live import consumer, outbox
from tests.host import blocks

ROOT: Final = Path(__file__).parents[1]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PICTURES: Final = ROOT / "docs/images"
PROTOCOL: Final = (ROOT / "docs/protocol.md").read_text()
SETTINGS: Final = (ROOT / "docs/settings.md").read_text()

RULES: Final = {*map(str, range(1, 11)), *(f"S{n}" for n in range(1, 7)), *(f"C{n}" for n in range(1, 12))}
NOT_YET: Final = "Not yet"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each table row. A `|` inside a cell is written `\\|`."""
    for line in re.findall(r"^\|(.*)\|$", text, re.MULTILINE):
        yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)]


def section(text: str, heading: str) -> str:
    """Return the text below a heading, up to the next heading of the same level or a higher one."""
    marks, _, _ = heading.partition(" ")
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(marks)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def plain(cell: str) -> str:
    return cell.strip("`")


# --- the protocol --------------------------------------------------------------------------------------------------


def contract(name: str) -> list[dict[str, Any]]:  # golden JSON of any shape
    found: list[dict[str, Any]] = json.loads((ROOT / "tests/contract" / f"{name}.json").read_text())
    return found


def goldens() -> dict[str, str]:
    """Return every golden frame, wire, request and answer by its name, as JSON with its keys in their own order."""
    return {
        f"{file}: {one['name']}: {part}": json.dumps(one[part])
        for file in ("server-frames", "client-frames", "wires", "exchanges")
        for one in contract(file)
        for part in ("frame", "wire", "request", "answer")
        if part in one
    }


def test_every_golden_frame_is_quoted_and_nothing_else() -> None:
    quoted = [json.dumps(json.loads(block)) for block in blocks(PROTOCOL, "json")]
    assert [name for name, golden in goldens().items() if golden not in quoted] == []
    assert [one for one in quoted if one not in goldens().values()] == []


def test_every_malformed_frame_is_quoted_with_its_error() -> None:
    told = {tuple(map(plain, cells)) for cells in rows(PROTOCOL) if len(cells) == 2}
    golden = {(one["text"], one["detail"]) for one in contract("malformed-client-frames")}
    assert golden - told == set()


def test_every_error_code_is_documented_with_its_status() -> None:
    told = {(plain(cells[0]), cells[1]) for cells in rows(section(PROTOCOL, "## Errors")) if cells[1].isdigit()}
    base = errors.CalendarLiveError
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, base)]
    assert told == {(kind.code, str(kind.status)) for kind in kinds if kind is not base}


def test_every_close_code_is_documented() -> None:
    told = {int(cells[0]) for cells in rows(section(PROTOCOL, "### Close codes")) if cells[0].isdigit()}
    values = [*vars(consumer).values(), *vars(outbox).values()]
    assert told == {value for value in values if isinstance(value, int) and 4000 <= value <= 4999}


def test_every_call_of_the_api_is_documented() -> None:
    described = {
        f"{method.upper()} {path.replace('_id}', '}')}"
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
    }
    told = {plain(cells[0]) for cells in rows(section(PROTOCOL, "### Calls")) if "/api/" in cells[0]}
    assert told == described


def test_every_parameter_of_the_feed_is_documented() -> None:
    schema = api.get_openapi_schema()["paths"]["/api/feed/"]["get"]
    told = {name for cells in rows(section(PROTOCOL, "### The feed")) for name in re.findall(r"`(\w+)`", cells[0])}
    assert {parameter["name"] for parameter in schema["parameters"]} <= told


def test_the_api_gives_no_number_where_a_setting_decides() -> None:
    """Seen failing with "At most 200 characters." of a title."""
    schemas = json.dumps(api.get_openapi_schema()["components"]["schemas"])
    assert set(re.findall(r"[Aa]t most (\w+)", schemas)) == {"MAX_TITLE_LENGTH", "120"}  # which is not a setting
    assert "MAX_TITLE_LENGTH" in conf.DEFAULTS


# --- the rules and their tests -------------------------------------------------------------------------------------


def rule_rows() -> dict[str, list[str]]:
    """Return the row of each invariant and rule, by its number. Its cells: rule, what it says, tests, mutation."""
    return {cells[0]: cells for cells in rows(PROTOCOL) if len(cells) == 4 and cells[0] in RULES}


def exists(named: str) -> bool:
    """Whether a test that is named `file::test` exists. The file is named without its top folders."""
    file, _, test = named.partition("::")
    found = [path for folder in ("tests", "frontend/tests") for path in (ROOT / folder).rglob(file) if path.is_file()]
    pattern = rf"def {re.escape(test)}\(" if file.endswith(".py") else re.escape(test)
    return bool(test) and any(re.search(pattern, path.read_text()) for path in found)


def test_every_invariant_and_rule_has_its_row() -> None:
    assert rule_rows().keys() == RULES


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_names_tests_that_exist_or_says_that_there_is_none_yet(rule: str) -> None:
    _, _, tests, mutation = rule_rows()[rule]
    named = re.findall(r"`([^`]+::[^`]+)`", tests)
    assert [one for one in named if not exists(one)] == []
    assert named or NOT_YET in tests
    assert mutation or not named


# --- settings and metrics ------------------------------------------------------------------------------------------


def test_every_setting_is_documented_with_its_default() -> None:
    told = {
        plain(cells[0]): ast.literal_eval(plain(cells[1]))
        for cells in rows(section(SETTINGS, "## CALENDAR_LIVE"))
        if cells[0].startswith("`")
    }
    assert told == conf.DEFAULTS


def test_every_metric_is_documented_and_no_other() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "calendar_live").rglob("*.py"))
    made = set(re.findall(r"(?:Counter|Gauge|Histogram)\(\s*\"(calendar_live_\w+)\"", sources))
    told = set(re.findall(r"^\| `(calendar_live_\w+)", section(SETTINGS, "## Metrics"), re.MULTILINE))
    assert told == made
    named = {
        one for path in DOCUMENTS for one in re.findall(r"\bcalendar_live_\w+_(?:total|seconds)\b", path.read_text())
    }
    assert named <= made


# --- layers ---------------------------------------------------------------------------------------------------------


def layers() -> list[set[str]]:
    """Return the layers of the import contract, from high to low, with the modules of each that exist."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(one for one in contracts if one["id"] == "layers")
    named = [{name.strip(" ()") for name in re.split(r"[|:]", layer)} for layer in contract["layers"]]
    app = ROOT / "calendar_live"
    there = [{name for name in layer if (app / name).is_dir() or (app / f"{name}.py").exists()} for layer in named]
    return [layer for layer in there if layer]


def test_the_layers_are_documented_in_the_order_of_the_import_contract() -> None:
    table = section((ROOT / "docs/architecture.md").read_text(), "## Layers")
    told = [
        set(re.findall(r"\[(\w+)(?:\.py|/)\]", cells[0])) for cells in rows(table) if "../calendar_live/" in cells[0]
    ]
    assert told == layers()


# --- links, commands, examples -------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub makes of a document's headings."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def targets(path: Path) -> list[str]:
    """Return the relative links and pictures of a document."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", text)
    return [one for pair in found for one in pair if one and "://" not in one and not one.startswith("mailto:")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_relative_link_of_a_document_resolves(path: Path) -> None:
    broken = []
    for target in targets(path):
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        if place.parent == PICTURES and not PICTURES.exists():
            continue  # `make screenshots` has not been run yet, and then there are no pictures at all
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            broken.append(target)
    assert broken == []


def test_every_document_named_in_the_code_exists() -> None:
    sources = [
        path
        for folder, kinds in (("calendar_live", "py"), ("project", "py"), ("tests", "py"), ("frontend/src", "ts"))
        for path in (ROOT / folder).rglob(f"*.{kinds}")
        if "node_modules" not in path.parts
    ]
    named = {
        one
        for path in [*sources, ROOT / "pyproject.toml"]
        for one in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text())
    }
    assert [one for one in sorted(named) if not (ROOT / one).exists()] == []


def test_every_make_target_named_exists() -> None:
    phony = re.findall(r"^\.PHONY:(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    known = {target for line in phony for target in line.split()}
    named = {
        target
        for path in DOCUMENTS
        for target in re.findall(r"(?:`|^|\$ )make (\w[\w-]*)", path.read_text(), re.MULTILINE)
    }
    assert named - known == set()
    assert {"run", "test"} <= named


def examples() -> list[tuple[str, str]]:
    return [(name_of(path), block) for path in DOCUMENTS for block in blocks(path.read_text(), "python")]


@pytest.mark.parametrize(("document", "example"), examples())
def test_an_example_in_python_imports_what_exists(document: str, example: str) -> None:
    for node in ast.walk(ast.parse(example)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("calendar_live"):
            module = importlib.import_module(node.module)
            assert [one.name for one in node.names if not hasattr(module, one.name)] == [], document


def definitions(source: str) -> dict[str, str]:
    """Return each class and function of a module as code without comments, by its name."""
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return {node.name: ast.unparse(node) for node in nodes}


def test_the_example_of_a_table_that_is_already_there_is_the_code_that_is_tested() -> None:
    """tests/test_foreign_source.py runs this code. Seen failing after a change to each line of the example."""
    told = (ROOT / "docs/architecture.md").read_text().partition("### A table that is already there")[2]
    shown = {name: code for block in blocks(told, "python") for name, code in definitions(block).items()}
    tested = {
        name: code
        for file in ("models", "courses")
        for name, code in definitions((ROOT / f"tests/foreign/{file}.py").read_text()).items()
    }
    assert {"LiveCourse", "LiveCourses", "save", "cancel"} <= shown.keys()
    assert {name: tested.get(name) for name in shown} == shown


@pytest.mark.parametrize(("document", "example"), [one for one in examples() if "INSTALLED_APPS" in one[1]])
def test_an_example_of_settings_has_daphne_first(document: str, example: str) -> None:
    """Django refuses to start with daphne behind staticfiles. Seen failing with `INSTALLED_APPS += […]`."""
    assigned = [node.value for node in ast.parse(example).body if isinstance(node, ast.Assign)]
    (first, *_), *_ = [value.elts for value in assigned if isinstance(value, ast.List)]
    assert ast.literal_eval(first) == "daphne", document


def test_an_example_in_typescript_imports_what_the_plug_in_exports() -> None:
    exported = (ROOT / "frontend/src/fullcalendar/index.ts").read_text()
    text = "\n".join(block for path in DOCUMENTS for block in blocks(path.read_text(), "(?:ts|js)"))
    named = {
        one.strip()
        for names in re.findall(r"import \{([^}]*)\} from \"@calendar-live/fullcalendar\"", text)
        for one in names.split(",")
    }
    assert named
    assert [one for one in sorted(named) if not re.search(rf"\b{one}\b", exported)] == []


def test_the_embed_code_is_documented_as_the_page_writes_it() -> None:
    """Seen failing with `allow-popups` in the page's code alone."""
    written = re.search(r'sandbox: "([^"]+)"', (ROOT / "frontend/src/page/sharing/link-words.ts").read_text())
    examples = blocks((ROOT / "docs/embedding.md").read_text(), "html")
    assert written
    assert [f'sandbox="{written[1]}"' in one for one in examples if "<iframe" in one] == [True]


@pytest.mark.parametrize(("types", "works"), [(["vite/client"], True), ([], False)], ids=["with-vite", "without"])
def test_the_examples_in_typescript_have_no_type_error(types: list[str], works: bool, tmp_path: Path) -> None:
    """They import style sheets, so they need the types that docs/embedding.md names, as the second case shows."""
    front = ROOT / "frontend"
    (tmp_path / "examples.ts").write_text("\n".join(blocks((ROOT / "docs/embedding.md").read_text(), "ts")))
    (tmp_path / "node_modules").symlink_to(front / "node_modules")
    plug_in = {"@calendar-live/fullcalendar": [str(front / "src/fullcalendar/index.ts")]}
    options = {"noEmit": True, "types": types, "paths": plug_in, "lib": ["ES2022", "DOM", "DOM.Iterable"]}
    config = {"extends": str(front / "tsconfig.base.json"), "compilerOptions": options, "files": ["examples.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    command = [str(front / "node_modules/.bin/tsc"), "-p", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode == 0) is works, done.stdout


def test_a_packed_plug_in_is_left_in_an_ignored_folder() -> None:
    """Seen failing with `npm pack ./frontend`, which leaves its file beside the README."""
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    assert set(re.findall(r"^npm pack [^#\n]*?(?= *#|$)", text, re.MULTILINE)) == {
        "npm pack ./frontend --pack-destination dist"
    }
    assert "/dist/" in (ROOT / ".gitignore").read_text().splitlines()


# --- the script tag ------------------------------------------------------------------------------------------------

EMBED: Final = ROOT / "frontend/src/embed"


def attributes() -> dict[str, str]:
    """Return what docs/embedding.md says of each attribute of the script tag, by its name."""
    table = section((ROOT / "docs/embedding.md").read_text(), "## One script tag")
    return {name: cells[1] for cells in rows(table) for name in re.findall(r"`(data-[a-z-]+)`", cells[0])}


def test_every_attribute_of_the_script_tag_is_documented() -> None:
    """Seen failing with a word of the widget left out of the table."""
    words = re.search(r"type Words = .*?;", (EMBED / "words.ts").read_text(), re.DOTALL)
    script = (EMBED / "index.ts").read_text()
    [taken] = re.findall(r"const \{([^}]*)\} = place\.dataset", script)
    names = {
        *re.findall(r'"(\w+)"', words[0] if words else ""),
        *re.findall(r"(\w+)(?: = [^,]*)?,?", taken),
        *re.findall(r'place\.dataset\["(\w+)"\]', script),
    }
    assert len(names) > 10
    assert attributes().keys() == {"data-" + re.sub(r"[A-Z]", lambda big: "-" + big[0].lower(), one) for one in names}


def test_every_status_of_a_connection_is_documented() -> None:
    """Seen failing with "and so on" in place of the rest of them."""
    kinds = re.search(
        r"^export type Status =(.*?);", (ROOT / "frontend/src/core/connection.ts").read_text(), re.M | re.S
    )
    statuses = set(re.findall(r'"([\w-]+)"', kinds[1] if kinds else ""))
    assert len(statuses) == 10
    assert statuses <= set(re.findall(r"`([\w-]+)`", attributes()["data-status"]))


def test_only_one_document_has_the_recipe_for_a_host() -> None:
    """Seen failing with the recipe of the README, which was another one and did not work."""
    assert {name for name, example in examples() if "INSTALLED_APPS" in example} == {"docs/embedding.md"}
    assert blocks((ROOT / "README.md").read_text(), "(?:python|ts|html)") == []
