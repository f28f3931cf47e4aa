"""Serves the site in a process that dies between the commit and the broadcast of an item whose title asks for it."""

import os
import signal
from typing import Any

from project.asgi import application  # sets Django up, without which the rest cannot be imported

# isort: split
from calendar_live.changelog import change_committed
from calendar_live.live import announcing
from tests.faults.people import DIE_HERE

__all__ = ["application"]


def die_or_send(*, change_set: Any, **arguments: Any) -> None:  # like the receiver that it replaces
    """Broadcast a change set, or kill the process if an item asks for that."""
    if any(DIE_HERE in (entry.wire or "") for entry in change_set.entries or ()):
        os.kill(os.getpid(), signal.SIGKILL)
    announcing.send(change_set=change_set, **arguments)


change_committed.disconnect(dispatch_uid="calendar_live.live.announcing")
change_committed.connect(die_or_send)
