"""The site's settings with Django's own middlewares, for the comparison of requests. Nothing else differs."""

from project.settings import *  # noqa: F403
from project.settings import MIDDLEWARE as OURS

_DJANGOS = {
    "SecurityMiddleware": "django.middleware.security",
    "CSPMiddleware": "csp.middleware",
    "SessionMiddleware": "django.contrib.sessions.middleware",
    "LocaleMiddleware": "django.middleware.locale",
    "CommonMiddleware": "django.middleware.common",
    "CsrfViewMiddleware": "django.middleware.csrf",
    "AuthenticationMiddleware": "django.contrib.auth.middleware",
    "MessageMiddleware": "django.contrib.messages.middleware",
    "XFrameOptionsMiddleware": "django.middleware.clickjacking",
}
MIDDLEWARE = [
    f"{_DJANGOS[name.removeprefix('project.middleware.')]}.{name.removeprefix('project.middleware.')}"
    if name.startswith("project.middleware.")
    else name
    for name in OURS
]
ASGI_APPLICATION = "bench.stock_asgi.application"
SILENCED_SYSTEM_CHECKS = []
