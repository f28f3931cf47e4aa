"""Makes public links through the API, as an owner does."""

from __future__ import annotations

from typing import Any

from tests.e2e.person import Person


def makes_link(owner: Person, **values: Any) -> dict[str, Any]:
    body = {"name": "Website", "shows": "full"} | values
    answer = owner.call("POST", f"/api/calendars/{owner.calendar()}/links/", data=body)
    assert answer.status == 201, answer.text()
    link: dict[str, Any] = answer.json()
    return link
