"""Tests that only services/, changelog/ and migrations/ write rows: other writers would bypass the log and the push."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
WRITERS: Final = (
    "calendar_live/services/",
    "calendar_live/changelog/",
    "calendar_live/migrations/",
    "calendar_live/models/live.py",  # passes calls on to Django if it allows them
)

# Only the ORM has calls with these names here, so each of them is a write.
WRITES: Final = {
    f"{prefix}{name}"
    for prefix in ("", "a")
    for name in ("save", "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update")
}
# Dicts, sets, hashes, caches and routers have these as well, but are never called without a positional argument.
WRITES_WITHOUT_POSITIONALS: Final = {"update", "delete", "aupdate", "adelete"}


def writes_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, call) of each call that writes rows."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name = node.func.attr
        positionals = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
        if name in WRITES or (name in WRITES_WITHOUT_POSITIONALS and not positionals):
            yield node.lineno, ast.unparse(node.func)


def readers() -> list[Path]:
    """Return every module of the app and the site that must not write."""
    modules = sorted(path for folder in ("calendar_live", "project") for path in (ROOT / folder).rglob("*.py"))
    return [path for path in modules if not path.relative_to(ROOT).as_posix().startswith(WRITERS)]


def test_only_services_and_the_changelog_write_rows() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {call}()" for path in readers() for line, call in writes_in(path.read_text())
    ]
    assert found == [], "call a service instead"


def test_the_app_is_among_what_is_read() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in readers()}
    assert {"calendar_live/models/work_item.py", "calendar_live/reading/feed.py"} <= names
    assert not any(name.startswith(WRITERS) for name in names)


@pytest.mark.parametrize(
    "source",
    [
        "item.save()",
        "item.save(update_fields=['title'])",
        "super().save(*args, **kwargs)",
        "super().delete(*args, **kwargs)",
        "item.delete()",
        "item.delete(using='other')",
        "await item.adelete()",
        "WorkItem.objects.create(title='x')",
        "await WorkItem.objects.acreate(title='x')",
        "WorkItem.objects.filter(pk=1).delete()",
        "WorkItem.objects.filter(pk=1).update(title='x')",
        "WorkItem.objects.filter(pk=1).update(**values)",
        "rows.aupdate(title='x')",
        "models.WorkItem._base_manager.bulk_create(rows)",
        "Entry.objects.bulk_update(rows, ['wire'])",
        "calendar.workitems.get_or_create(pk=1)",
        "calendar.memberships.update_or_create(user=user)",
        "def later():\n    return lambda item: item.delete()",
    ],
)
def test_a_write_is_found(source: str) -> None:
    assert len(list(writes_in(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "values.update({'a': 1})",
        "digest.update(b'bytes')",
        "cache.delete(key)",
        "@router.delete('/items/{id}/')\ndef delete_item(): ...",
        "services.delete_item(calendar, actor=actor)",
        "asyncio.create_task(run())",
        "User.objects.filter(pk=1).exists()",
        "from x import save\nsave()",
    ],
)
def test_what_is_no_write_is_left_alone(source: str) -> None:
    assert list(writes_in(source)) == []
