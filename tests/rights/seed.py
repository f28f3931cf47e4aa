"""Migrate a site's database, create a scene, and print it with all requests as JSON: `python -m tests.rights.seed`."""

from __future__ import annotations

import json

import django
from django.core.management import call_command


def main() -> None:
    """Create the scene in the database that the environment names."""
    django.setup()
    from tests.rights.matrix import MATRIX, SENT  # noqa: PLC0415 - only after setup
    from tests.rights.scene import CALENDAR, INVITER, LINKS, OWNERS_ALONE, TEXTS, Scene  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    scene = Scene()
    tokens = {link: scene.token(link) for link in LINKS}
    told = {
        "calendar": str(scene.team.pk),
        "sessions": scene.sessions,
        "links": tokens,
        "invitation": scene.invited.token,
        "requests": [
            [method, scene.path(route), SENT[endpoint](scene) if endpoint in SENT else {}]
            for endpoint in MATRIX
            for method, _, route in [endpoint.partition(" ")]
        ],
        "texts": [*(text for texts in TEXTS.values() for text in texts), *OWNERS_ALONE, CALENDAR, INVITER],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
