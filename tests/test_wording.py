"""Tests that each fault that is raised has a sentence and the values it names, and that each sentence has a fault."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from calendar_live import wording
from calendar_live.errors import BadValue, CalendarLiveError, Fault, Invalid, NotFound, TooMany
from calendar_live.models import Role
from calendar_live.pages.wall_time import NoSuchTimeError
from calendar_live.schedule.ranges import NotATime

ROOT: Final = Path(__file__).parents[1] / "calendar_live"
FAILURES: Final = {kind.__name__: kind for kind in CalendarLiveError.__subclasses__()}
NAMED: Final = {*FAILURES, *(kind.__name__ for kind in (Fault, BadValue, NotATime, NoSuchTimeError))}
# Arguments of a failure that are not values of its sentence.
OWN: Final = {"fields", "current", "retry_after_seconds"}
PLACE: Final = re.compile(r"%\((\w+)\)[rs]")


def faults_in(source: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the key of each fault that a module names, with the names of its values.

    If the key is not a literal, its source is yielded instead.
    """
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in NAMED:
            continue
        given = frozenset(keyword.arg or "**" for keyword in call.keywords if keyword.arg not in OWN)
        match call.args:
            case []:
                if call.func.id in FAILURES:
                    yield FAILURES[call.func.id].code, given
            case [ast.Constant(value=str(key))]:
                yield key, given
            case [ast.Name(id="fault") | ast.Attribute(attr="fault")]:
                pass  # made elsewhere
            case _:
                yield ast.unparse(call), given


def raised() -> list[tuple[str, str, frozenset[str]]]:
    """Return (file, key, names of values) of every fault of the app, and of each bare failure."""
    sources = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(ROOT.rglob("*.py"))}
    found = [(name, *fault) for name, text in sources.items() if name != "errors.py" for fault in faults_in(text)]
    return found + [("errors.py", kind.code, frozenset()) for kind in FAILURES.values()]


def without_sentence(faults: list[tuple[str, str, frozenset[str]]]) -> list[str]:
    return [f"{file}: {key}" for file, key, _ in faults if key not in wording.SENTENCES]


def test_every_fault_has_a_sentence() -> None:
    """Seen failing without one of the sentences, and with a text that is raised instead of a key."""
    assert without_sentence(raised()) == []


def test_every_sentence_has_a_fault() -> None:
    """Seen failing with an extra sentence, and with a fault that is no longer raised."""
    keys = {key for _, key, _ in raised()} | {"diverged"}  # the default of CannotCalculateChanges
    assert sorted(wording.SENTENCES.keys() - keys) == []


def test_every_fault_comes_with_the_values_that_its_sentence_names() -> None:
    """Seen failing when a fault lacks `limit`: wording it raised KeyError."""
    named = {key: set(PLACE.findall(str(sentence))) for key, sentence in wording.SENTENCES.items()}
    wrong = [(file, key, *given) for file, key, given in raised() if named.get(key, given) != given]
    assert wrong == []


@pytest.mark.parametrize(
    "source",
    [
        'raise Invalid("Some fields are not valid.")',
        'raise NotFound(f"no_{what}")',
        "raise BadValue(text)",
        'Invalid(fields={"title": [Fault("no_such_key")]})',
    ],
)
def test_a_fault_without_a_sentence_is_noticed(source: str) -> None:
    assert len(without_sentence([("x.py", *fault) for fault in faults_in(source)])) == 1


def test_no_key_is_for_people_and_for_programs() -> None:
    assert len(wording.SENTENCES) == len(wording._FOR_PEOPLE) + len(wording._FOR_PROGRAMS)


def test_a_sentence_names_its_values_as_people_read_them() -> None:
    assert wording.sentence(Fault("too_long", limit=200)) == "Must be at most 200 characters long."
    assert wording.sentence(Fault("not_among", choices=["full", "freebusy"])) == "Must be one of: full, freebusy."
    member = Fault("member_already", name="100 % Ben", role=Role.FREEBUSY)
    assert wording.sentence(member) == "100 % Ben is in this calendar already, as free/busy."
    assert wording.sentence(Fault("no_offset")).endswith("(written %2B in a URL).")


def test_a_failure_is_said_as_a_whole_and_by_field() -> None:
    failure = Invalid(fields={"start": [Fault("required")], "title": [Fault("required"), Fault("not_text")]})
    assert wording.as_json(failure) == {
        "code": "invalid",
        "detail": "Some fields are not valid.",
        "fields": {"start": ["This field is required."], "title": ["This field is required.", "Must be text."]},
    }
    assert wording.whole(failure).count("This field is required.") == 2
    assert wording.as_json(NotFound("no_item")).keys() == {"code", "detail"}


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (NotFound(), "not_found"),
        (NotFound("no_item"), "not_found: no_item"),
        (TooMany("mailed_just_now", seconds=60), "too_many: mailed_just_now (seconds=60)"),
        (Invalid(fields={"title": [Fault("too_long", limit=200)]}), "invalid: title: too_long (limit=200)"),
        (BadValue("not_among", choices=["a", "b"]), "not_among (choices=['a', 'b'])"),
    ],
)
def test_logs_and_tests_read_a_failure_without_its_sentence(failure: Exception, text: str) -> None:
    assert str(failure) == text


def test_every_failure_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in FAILURES.values()}) == len(FAILURES)
