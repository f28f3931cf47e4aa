"""Adapts the site's settings to the textbook: the same middlewares, database and channel layer, but its own URLs."""

from project.settings import *  # noqa: F403

ROOT_URLCONF = "bench.textbook"
ASGI_APPLICATION = "bench.textbook_asgi.application"
