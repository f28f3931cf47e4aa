"""Tests that a browser is chosen in the documented order, and that complaints of pages fail a test."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e import browser as chromium
from tests.e2e.watch import Watch


def executable(path: Path) -> Path:
    path.write_text("#!/bin/sh\necho Chromium of a test\n")
    path.chmod(0o755)
    return path


def test_the_given_browser_comes_before_one_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given, on_path = executable(tmp_path / "given"), executable(tmp_path / "chromium")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert chromium.find_chromium().path == on_path
    monkeypatch.setenv("CHROMIUM", str(given))
    assert chromium.find_chromium().path == given


def test_no_browser_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "PACKAGE", tmp_path / "absent")
    with pytest.raises(chromium.BrowserMissingError, match="npm --prefix tests/e2e ci"):
        chromium.find_chromium()


def test_a_wrongly_given_browser_is_an_error_and_no_other_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/absent/chromium")
    with pytest.raises(chromium.BrowserMissingError, match="/absent/chromium"):
        chromium.find_chromium()


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('it broke')", "ana: it broke"),
        ("setTimeout(() => { throw new Error('uncaught here') })", "ana: uncaught"),
        (
            "document.body.append(Object.assign(document.createElement('img'), {src: 'data:,'}))",
            "ana: Loading the image 'data:,' violates",
        ),
    ],
    ids=["console", "exception", "policy"],
)
def test_the_watch_hears_a_page_complain(browser: Browser, watch: Watch, script: str, complaint: str) -> None:
    context = browser.new_context()
    watch.attach(context, "ana")
    page = context.new_page()
    policy = {"Content-Security-Policy": "img-src 'none'"}
    page.route("**", lambda route: route.fulfill(body="<body>", content_type="text/html", headers=policy))
    page.goto("http://localhost/")
    with page.expect_event("pageerror" if "throw" in script else "console"):
        page.evaluate(script)
    context.close()
    assert [text[: len(complaint)] for text in watch.complaints()] == [complaint]
    watch.allow("broke|uncaught|violates")
    assert watch.complaints() == []
