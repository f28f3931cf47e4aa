"""The site's settings for the textbook's server: the same middlewares, database and channel layer, with its own URLs."""

from project.settings import *  # noqa: F403

ROOT_URLCONF = "bench.textbook"
ASGI_APPLICATION = "bench.textbook_asgi.application"
