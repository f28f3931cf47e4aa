"""Fixtures: a production site, started once for all tests of this folder, and a browser that is signed in to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from testbed.servers import folder_for_a_while
from tests.deploy.production import OWNER, PREFIX, Production, certificate


@pytest.fixture(scope="session")
def tls() -> Iterator[tuple[Path, Path]]:
    with folder_for_a_while("calendar-tls-") as folder:
        yield certificate(folder)


@pytest.fixture(scope="package")
def production(tls: tuple[Path, Path]) -> Iterator[Production]:
    with folder_for_a_while("calendar-production-") as folder:
        site = Production(folder, tls)
        try:
            site.start()
            yield site
            log = site.node.log()
            assert site.close() == 0
            assert "Traceback" not in log
        finally:
            site.close()


@pytest.fixture
def browser(production: Production) -> Iterator[httpx.Client]:
    """Return a client that is signed in as the first owner."""
    # The certificate is self-signed.
    with httpx.Client(base_url=production.nginx.url, trust_env=False, verify=False, timeout=30) as client:  # noqa: S501
        form = client.get(f"{PREFIX}/login/").raise_for_status()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
        assert token
        client.headers.update({"Referer": f"{production.nginx.url}{PREFIX}/login/", "Origin": production.nginx.url})
        signed_in = client.post(f"{PREFIX}/login/", data={"csrfmiddlewaretoken": token[1], **OWNER})
        assert (signed_in.status_code, signed_in.headers["location"]) == (302, f"{PREFIX}/")
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client
