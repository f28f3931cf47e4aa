"""Signs users in and prints their session cookies as JSON.

Usage: `python -m tests.e2e.sign_in ana ben`, in the site's environment.
"""

import json
import os
import sys

import django


def main(names: list[str]) -> None:
    """Sign each named user in, in the database that the environment names, and print their sessions."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - only after setup
    from django.contrib.auth import get_user_model  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    sessions = {}
    for user in get_user_model().objects.filter(username__in=names):
        client = Client()
        client.force_login(user)
        sessions[user.get_username()] = client.cookies[settings.SESSION_COOKIE_NAME].value
    print(json.dumps({"cookie": settings.SESSION_COOKIE_NAME, "sessions": sessions}))


if __name__ == "__main__":
    main(sys.argv[1:])
