"""Settings of the host site: those of project/, with the foreign app and its page."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS as SITE_APPS

INSTALLED_APPS = [*SITE_APPS, "tests.foreign"]
ROOT_URLCONF = "tests.foreign.urls"
FOREIGN_IS_LIVE = True
