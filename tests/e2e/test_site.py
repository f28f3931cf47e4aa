"""Tests that the site, which all browser tests share, is as good as new for each of them."""

from __future__ import annotations

from tests.e2e.conftest import Template
from tests.e2e.person import Person
from tests.e2e.site import Site


def test_a_site_that_died_is_there_again_for_the_next_test(site: Site, template: Template) -> None:
    """Seen failing when a process counted as running until it was stopped: every later test failed, too."""
    assert site._process
    site._process.kill()
    site._process.wait()
    site.begin(template.database)
    assert site._is_alone()


def test_nothing_of_a_test_is_left_for_the_next_one(owner: Person, site: Site, template: Template) -> None:
    item, calendar = owner.creates("Left over"), owner.calendar()
    assert "PUT" in site.log()
    site.begin(template.database)
    assert owner.call("GET", owner.path_of(item, calendar)).status == 404, "the calendar has another id"
    assert owner.call("GET", owner.path_of(item)).status == 404
    assert "PUT" not in site.log()
