"""Adds entries of CALENDAR_LIVE from the environment to the site's settings, for real processes in tests of faults."""

import json
import os

from project.settings import *  # noqa: F403
from project.settings import CALENDAR_LIVE

CALENDAR_LIVE |= json.loads(os.environ.get("CALENDAR_LIVE", "{}"))
