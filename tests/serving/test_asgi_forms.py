"""Tests that the site reads forms as UTF-8, whatever charset a request names."""

from __future__ import annotations

from typing import Any, Final

import pytest
from asgiref.testing import ApplicationCommunicator

from calendar_live.serving.asgi import get_asgi_application

pytestmark = pytest.mark.django_db(transaction=True)

_TOKEN: Final = "a" * 32
_PART: Final = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'


@pytest.mark.parametrize(("charset", "username"), [("utf-7", "+2AA-"), ("hex", "ana"), ("latin-1", "Müller")])
async def test_a_form_is_utf_8(charset: str, username: str) -> None:
    """Seen failing with Django's requests: 500 for a lone surrogate in UTF-7, and for a charset that is not one."""
    fields = {"csrfmiddlewaretoken": _TOKEN, "username": username, "password": "x"}
    body = "".join(_PART.format(name, value) for name, value in fields.items()) + "--x--\r\n"
    headers = {
        "host": "localhost",
        "cookie": f"csrftoken={_TOKEN}",
        "content-type": f"multipart/form-data; boundary=x; charset={charset}",
        "content-length": str(len(body.encode())),
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/login/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    one: Any = ApplicationCommunicator(get_asgi_application(), scope)  # type: ignore[no-untyped-call]
    await one.send_input({"type": "http.request", "body": body.encode()})
    assert (await one.receive_output(10))["status"] == 200
    answer = (await one.receive_output(10))["body"].decode()
    await one.wait(10)
    assert f'value="{username}"' in answer
