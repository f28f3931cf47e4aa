"""Models of work items, which are projects, activities, tasks and meetings. Written by services/items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from .live import LiveModel


class WorkType(models.TextChoices):
    PROJECT = "project", _("Project")
    ACTIVITY = "activity", _("Activity")
    TASK = "task", _("Task")
    MEETING = "meeting", _("Meeting")


class Status(models.TextChoices):
    NOT_STARTED = "not_started", _("Not started")
    IN_PROGRESS = "in_progress", _("In progress")
    AT_RISK = "at_risk", _("At risk")
    BLOCKED = "blocked", _("Blocked")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")


class Priority(models.TextChoices):
    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")
    URGENT = "urgent", _("Urgent")
    CRITICAL = "critical", _("Critical")


class Visibility(models.TextChoices):
    NORMAL = "normal", _("Normal")
    PRIVATE = "private", _("Private")
    SECRET = "secret", _("Secret")


# The choices of those columns of a work item that have a fixed set of values.
WORDS: Final[Mapping[str, type[models.TextChoices]]] = {
    "work_type": WorkType,
    "status": Status,
    "priority": Priority,
    "visibility": Visibility,
}


def tag_key(tag: str) -> str:
    """Return the key by which tags are compared. Tags that differ only in upper and lower case have the same key."""
    return tag.casefold()


def between_commas(tags: Iterable[str]) -> str:
    """Return tags as one text, with a comma before and after each tag."""
    return ",".join(("", *tags, ""))


class WorkItem(LiveModel):
    """A project, activity, task or meeting in a calendar. Deletion is soft; the log calls a deleted item destroyed."""

    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    location = models.CharField(_("place"), max_length=300, blank=True)
    work_type = models.CharField(_("type"), max_length=10, choices=WorkType.choices, default=WorkType.TASK)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.NOT_STARTED)
    priority = models.CharField(_("priority"), max_length=8, choices=Priority.choices, default=Priority.MEDIUM)
    progress = models.PositiveSmallIntegerField(_("progress"), default=0)
    color = models.CharField(_("colour"), max_length=7, blank=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    all_day = models.BooleanField(_("all day"), default=False)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    url = models.CharField(_("link"), max_length=2000, blank=True, db_default="", default="")
    # All tags, each between commas: in `tag_text` as they were written, in `tag_keys` as they are compared. So a filter
    # for a tag is one LIKE on every database.
    tag_text = models.TextField(_("tags"), blank=True, db_default="", default="")
    tag_keys = models.TextField(blank=True, editable=False, db_default="", default="")
    rrule = models.TextField(blank=True)
    exdates = models.JSONField(default=list, blank=True)
    series = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="overrides")
    recurrence_id = models.DateTimeField(null=True, blank=True)
    recurrence_end = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(LiveModel.Meta):
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        constraints = (
            *LiveModel.Meta.constraints,
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="work_item_ends_after_it_starts"),
            models.CheckConstraint(condition=Q(progress__lte=100), name="work_item_progress_up_to_100"),
        )
        indexes = (
            models.Index("calendar", "start", "end", name="work_item_range", condition=Q(deleted_at=None)),
            models.Index("calendar", "end", name="work_item_end", condition=Q(deleted_at=None)),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def tags(self) -> list[str]:
        """The tags, which are short texts without commas, in the order in which they were given."""
        return self.tag_text.split(",")[1:-1]

    @tags.setter
    def tags(self, tags: Sequence[str]) -> None:
        self.tag_text, self.tag_keys = between_commas(tags), between_commas(tag_key(tag) for tag in tags)

    @cached_property
    def assignee_keys(self) -> list[str]:
        """The sorted ids of the users who work on the item, as in its wire. To change them, set this before saving."""
        return [] if self._state.adding else sorted(str(one.user_id) for one in self.assignments.all())


class Assignment(models.Model):
    """One user who works on one item."""

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints = (models.UniqueConstraint(fields=("item", "user"), name="one_assignment_per_person"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.item_id}"
