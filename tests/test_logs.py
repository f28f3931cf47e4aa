"""What is kept out of logs: tokens and searches, in whatever form a record brings them."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from calendar_live import logs


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("GET /public/abc.DE-_f/embed/ 200", "GET /public/…/embed/ 200"),
        ("/calendar/public/abc.def/", "/calendar/public/…/"),
        ("/invitations/aB3-_x/", "/invitations/…/"),
        ("/invitations/aB3/?x=1", "/invitations/…/?x=1"),
        ("Not Found: /calendar/invitations/aB3", "Not Found: /calendar/invitations/…"),
        ("/ws/?link=abc.def&x=1", "/ws/?link=…&x=1"),
        ("/ws/?x=1&link=abc.def", "/ws/?x=1&link=…"),
        ("/api/search/?q=Merger+of+two&start=2026-11-23", "/api/search/?q=…&start=2026-11-23"),
        ("/?status=blocked&q=Merger", "/?status=blocked&q=…"),
        ("/login/?next=%2Finvitations%2FaB3%2F", "/login/?next=%2Finvitations%2F…%2F"),
        ("/republic/abc", "/republic/abc"),
        ("/api/calendars/1/invitations/", "/api/calendars/1/invitations/"),
    ],
)
def test_a_text_for_a_log_keeps_everything_but_secrets(said: str, logged: str) -> None:
    assert logs.without_secrets(said) == logged


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("%s: %s", ("Not Found", "/public/abc.def/")),
        ("HTTP %(method)s %(path)s", ({"method": "GET", "path": "/public/abc.def/"},)),  # as daphne's runserver says it
        ("Not Found: /public/abc.def/", ()),
        ("%r", (["/public/abc.def/"],)),
    ],
    ids=["a tuple", "a mapping", "no arguments", "a list"],
)
def test_a_record_is_clean_whatever_its_arguments_are(message: str, args: tuple[Any, ...]) -> None:
    """Seen failing with a filter that looks at the texts of a tuple alone."""
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, message, args, None)
    assert logs.WithoutSecrets().filter(record)
    assert "abc" not in record.getMessage()
    assert "/public/…" in record.getMessage()


def test_a_record_whose_arguments_do_not_fit_is_left_to_its_handler() -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%d", ("/public/abc/",), None)
    assert logs.WithoutSecrets().filter(record)
    assert record.args == ("/public/abc/",)


@pytest.mark.parametrize("name", logs.LOGGERS)
def test_each_logger_of_addresses_is_filtered_whatever_handlers_a_site_has(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen failing without `logs.install`."""
    caplog.set_level(logging.DEBUG, name)
    with caplog.at_level(logging.DEBUG):
        logger = logging.getLogger(name)
        logger.addHandler(caplog.handler)
        try:
            logger.warning("Forbidden (%s): %s", "CSRF", "/invitations/abc/")
        finally:
            logger.removeHandler(caplog.handler)
    assert caplog.messages[0] == "Forbidden (CSRF): /invitations/…/"
