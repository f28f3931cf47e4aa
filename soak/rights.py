"""Change a user's role in a calendar, as an admin would: `python -m soak.rights <user> <calendar> <role or none>`.

It runs in the site's environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import django


def main(arguments: Sequence[str]) -> None:
    """Give a role or take it away. Every open page is notified."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    # Models can be imported only now that Django is set up.
    from django.contrib.auth.models import User  # noqa: PLC0415

    from calendar_live.models import Calendar, Role  # noqa: PLC0415
    from calendar_live.services.calendars import remove_member, set_role  # noqa: PLC0415

    name, key, role = arguments
    calendar, member = Calendar.objects.get(pk=key), User.objects.get(username=name)
    if role == "none":
        remove_member(calendar, member=member)
    else:
        set_role(calendar, member=member, role=Role(role))


if __name__ == "__main__":
    main(sys.argv[1:])
