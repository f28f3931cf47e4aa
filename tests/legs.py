"""Lists the tests that run only on SQLite, or only on the oldest Python, and says why.

All others, and so every new test, run on PostgreSQL and on newer Pythons, too. A pattern (fnmatch) matches a test's
file and name, without its parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

# A test that does not use this process's database is left out anyway.
SAME_ON_POSTGRESQL: Final = {
    "tests/api/test_addresses.py::*": "no address is looked up in the database",
    "tests/api/test_bodies.py::*": "bodies are refused before anything is asked of the database",
    "tests/api/test_health.py::*": "Redis, and who may read metrics",
    **dict.fromkeys(
        [
            f"tests/api/test_items.py::*{part}*"
            for part in ("wrong", "malformed", "no_object", "too_large", "unforeseen")
        ],
        "the request is refused before anything is asked of the database",
    ),
    "tests/api/test_items.py::test_another_site_*": "the CSRF token",
    **dict.fromkeys(
        [f"tests/api/test_feeds.py::*{part}*" for part in ("wrong", "malformed", "many_ways")],
        "the query is read before anything is asked of the database",
    ),
    **dict.fromkeys(
        [f"tests/live/test_consumer_{part}.py::*" for part in ("ends", "frames", "heartbeats", "opening")],
        "frames, timers and limits of a socket; "
        "what it looks up is tests/live/test_reader.py and test_hub_subscribing.py",
    ),
    "tests/live/test_announcing.py::*": "the channel layer",
    "tests/live/test_bytes.py::*": "bytes of pushes; tests/reading/test_feed_fold.py compares those of feed and log",
    "tests/live/test_control.py::*": "the channel layer",
    "tests/live/test_deaf.py::*": "Redis and the hub's connections to it",
    "tests/live/test_links.py::*": "sockets and timers; which links count is asked in tests/services/test_links.py",
    "tests/live/test_redis.py::*": "Redis; how a hub reads the log is tests/live/test_hub_heads.py",
    "tests/live/test_scenarios.py::*": "the protocol; how hubs read the log is in tests/live/test_hub_*.py",
    "tests/live/test_supervision.py::*": "the hub's tasks",
    "tests/pages/*::*": "templates and forms; they write by services and read by access, which have tests of their own",
    **dict.fromkeys(
        [f"tests/rights/test_leaks.py::*{part}*" for part in ("fault", "metrics", "mail")],
        "texts of errors, metrics and mail",
    ),
    "tests/services/test_item_fields.py::*which_field_is_wrong*": "values are refused before they are written",
    "tests/services/test_item_fields.py::*all_bad_fields*": "values are refused before they are written",
    "tests/services/test_item_fields.py::test_any_values_*": "nothing is written",
    "tests/serving/test_middleware.py::*": "Django's middlewares and threads",
    "tests/serving/test_reports.py::*": "the text of a mail",
}
# A test with such a name is about the database, whatever its file.
OF_THE_DATABASE: Final = ("*statement*", "*database*", "*commit*", "*rolled_back*", "*transaction*", "*parents*")

SAME_ON_NEWER_PYTHON: Final = {
    "tests/bench/test_bench.py::test_every_socket_*": "measures processes; "
    "tests/deploy/test_production.py starts one here",
    "tests/bench/test_requests.py::*": "measures processes",
    "tests/deploy/test_document.py::*": "reads texts",
    "tests/deploy/test_images.py::*": "the image has a Python of its own",
    "tests/deploy/test_nginx.py::*": "starts nginx",
    "tests/deploy/test_unit.py::*": "reads texts",
    "tests/model/test_ablations.py::test_runs_go_wrong_without": "the model alone, "
    "which tests/model/test_model.py runs here",
    "tests/soak/test_harness.py::*": "starts PostgreSQL, nginx and Node",
    "tests/test_repository.py::*": "reads texts",
    "tests/testbed/test_servers.py::*": "starts servers",
    "tests/test_tools.py::*": "starts shells",
    "tests/test_writers.py::*": "reads sources",
}


def is_among(node: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns matches a test. `node`: pytest's id of the test."""
    return any(fnmatchcase(node.partition("[")[0], pattern) for pattern in patterns)


def is_for_postgresql(node: str) -> bool:
    """Whether a test that uses the database must run on PostgreSQL as well."""
    return is_among(node, OF_THE_DATABASE) or not is_among(node, SAME_ON_POSTGRESQL)


def is_for_newer_python(node: str) -> bool:
    """Whether a test must run on a newer Python as well."""
    return not is_among(node, SAME_ON_NEWER_PYTHON)
