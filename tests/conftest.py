"""Fixtures and hooks of all tests: people, a calendar, the length of property tests, the tests' order, and evidence."""

import os
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.management import create_contenttypes
from django.contrib.contenttypes.models import ContentType
from django.core.cache import caches
from django.db.models.signals import post_migrate
from hypothesis import HealthCheck, settings

from calendar_live import cache
from calendar_live.background import thread
from calendar_live.live import announcing, hub
from calendar_live.models import Calendar
from calendar_live.protocol.changes import ChangeSet
from testbed import binaries, evidence
from tests import legs
from tests.keeping import Kept, empty
from tests.people import make_calendar, make_user
from tests.recording import announcements

pytest_runtest_makereport = evidence.pytest_runtest_makereport

# In a test, no thread may delete rows in the background.
assert hub.hub_started.disconnect(thread.start), "a process that serves pages has one"

settings.register_profile("default", deadline=None, print_blob=True)
# `make soak` tests the same properties for a long time.
settings.register_profile(
    "soak", deadline=None, print_blob=True, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow]
)
# On a newer Python, a short pass is enough to find differences in Python itself.
settings.register_profile("short", deadline=None, print_blob=True, max_examples=20)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_report_header() -> list[str]:
    """Report which servers of this machine the tests do not use."""
    return [
        f"passed over: {found}; needed is {wanted}"
        for wanted in (binaries.REDIS, binaries.POSTGRES, binaries.NGINX)
        for found in binaries.passed_over(wanted)
    ]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", action="store_true", help="only what may differ from one database to another")
    parser.addoption("--newer-python", action="store_true", help="only what may differ on a newer Python or Django")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the end-to-end tests last and together: they need a browser, and quick tests should fail first."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)
    if config.getoption("--database"):
        _keep(config, items, [item for item in items if _uses_database(item) and legs.is_for_postgresql(item.nodeid)])
    if config.getoption("--newer-python"):
        _keep(config, items, [item for item in items if legs.is_for_newer_python(item.nodeid)])


def _keep(config: pytest.Config, items: list[pytest.Item], kept: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=list(set(items).difference(kept)))
    items[:] = kept


def _uses_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db"}.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Make the people and the calendar of the tests once, after the database is created.

    From then on, emptying the database after a test creates no permissions and content types: no test uses them.
    """
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    with django_db_blocker.unblock():
        ana, ben, cara, _ = (make() for make in _people.values())
        _team(ana, ben, cara)
        empty()


_people: Final = {name: Kept(partial(make_user, name)) for name in ("ana", "ben", "cara", "dan")}


@Kept
def _team(ana: User, ben: User, cara: User) -> Calendar:
    return make_calendar(ana, editor=ben, viewer=cara)


@pytest.fixture(autouse=True)
def _forget_between_tests() -> Iterator[None]:
    """Forget what a process keeps outside the database: cached feeds, Django's content types, and open breakers."""
    yield
    ContentType.objects.clear_cache()
    caches["default"].clear()
    cache.breaker.reset()
    announcing.breaker.reset()


@pytest.fixture
def ana(db: None) -> User:
    """Return the owner of `team`."""
    return _people["ana"]()


@pytest.fixture
def ben(db: None) -> User:
    """Return the editor of `team`."""
    return _people["ben"]()


@pytest.fixture
def cara(db: None) -> User:
    """Return the viewer of `team`."""
    return _people["cara"]()


@pytest.fixture
def dan(db: None) -> User:
    """Return a user who is not a member of any calendar."""
    return _people["dan"]()


@pytest.fixture
def team(ana: User, ben: User, cara: User) -> Calendar:
    """Return a calendar whose members are Ana, Ben and Cara."""
    return _team(ana, ben, cara)


@pytest.fixture
def announced() -> Iterator[list[ChangeSet]]:
    """Return a list that grows with each change set that is announced during the test."""
    with announcements() as heard:
        yield heard
