"""The site, with a process that dies between the commit and the broadcast of an item whose title says so. Never part of the product."""

import os
import signal
from typing import Any

from project.asgi import application  # sets Django up, without which the rest cannot be imported

# isort: split
from calendar_live.changelog import change_committed
from calendar_live.live import announcing
from tests.faults.people import DIE_HERE

__all__ = ["application"]


def die_or_send(*, change_set: Any, **arguments: Any) -> None:  # as the receiver it stands in for
    """Do what the broadcast does, unless an item asks for the end of the process."""
    if any(DIE_HERE in (entry.wire or "") for entry in change_set.entries or ()):
        os.kill(os.getpid(), signal.SIGKILL)
    announcing.send(change_set=change_set, **arguments)


change_committed.disconnect(dispatch_uid="calendar_live.live.announcing")
change_committed.connect(die_or_send)
