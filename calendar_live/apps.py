"""Configures the Django app: registers its sources, system checks and signal receivers."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CalendarLiveConfig(AppConfig):
    name = "calendar_live"
    label = "calendar_live"
    verbose_name = _("Live calendar")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401, PLC0415 - registers the system checks
        from .background import thread  # noqa: PLC0415
        from .live import announcing, hub, rights  # noqa: F401, PLC0415 - connects the broadcast to the log
        from .services import owners  # noqa: F401, PLC0415 - connects to `pre_save` of users
        from .services.items import source  # noqa: F401, PLC0415 - registers the source of work items
        from .serving import logs  # noqa: PLC0415

        logs.install()
        hub.hub_started.connect(thread.start)
