"""System checks of the app's settings and surroundings: what would fail later, said at start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from . import conf


@register("calendar_live")
def check_settings(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Report unknown names and wrong types in CALENDAR_LIVE, and aliases that do not exist."""
    found: list[CheckMessage] = [
        Error(f"CALENDAR_LIVE has no setting {name!r}.", id="calendar_live.E001") for name in conf.unknown()
    ]
    for name, default in conf.DEFAULTS.items():
        read = {int: conf.number, float: conf.seconds, str: conf.text, tuple: conf.texts}[type(default)]
        try:
            read(name)
        except TypeError as error:
            found.append(Error(str(error), id="calendar_live.E002"))
    if not found and conf.text("CACHE") not in settings.CACHES:
        found.append(Error(f"CACHES has no alias {conf.text('CACHE')!r}.", id="calendar_live.E003"))
    if not found and conf.text("CHANNEL_LAYER") not in getattr(settings, "CHANNEL_LAYERS", {}):
        found.append(
            Warning(
                "There is no channel layer: changes reach open pages by the look at the heads alone, within about a second.",
                id="calendar_live.W001",
            )
        )
    return found
