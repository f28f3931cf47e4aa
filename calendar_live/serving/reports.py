"""Makes Django's mails to ADMINS about a fault, without the request, variables, settings or secret addresses."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

from .logs import without_secrets


class Report(ExceptionReporter):
    """Django's reporter, but its mails say no more than the log does.

    They contain a traceback, without the request, the values of variables, and the settings. The page that Django shows
    while DEBUG is on does not change.
    """

    def __init__(
        self,
        request: HttpRequest | None,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
        is_email: bool = False,
    ) -> None:
        super().__init__(None if is_email else request, exc_type, exc_value, tb, is_email=is_email)

    def get_traceback_text(self) -> SafeString:
        return self._told(super().get_traceback_text())

    def get_traceback_html(self) -> SafeString:
        return self._told(super().get_traceback_html())

    def _told(self, report: SafeString) -> SafeString:
        """Return a report. In a mail, the secrets of addresses that the exception quotes are removed."""
        return SafeString(without_secrets(report)) if self.is_email else report

    def get_traceback_frames(self) -> list[dict[str, Any]]:
        frames: list[dict[str, Any]] = super().get_traceback_frames()
        return [frame | {"vars": []} for frame in frames] if self.is_email else frames

    def get_traceback_data(self) -> dict[str, Any]:
        data: dict[str, Any] = super().get_traceback_data()
        return data | {"settings": {}} if self.is_email else data  # an address of Redis may contain its password
