"""Registers system checks of the settings, of live models and of their tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q, TextField, UUIDField
from django.db.models.functions import Cast, Length

from . import conf
from .models.live import WIRE_CONSTRAINT, LiveModel
from .protocol.wires import BEGINNING

_SHADOW_ROW: Final = (
    "No migration turns other keys into UUIDs. Keep the model as it is, and put a live row beside each of its rows: "
    'see "A table that is already there" in docs/architecture.md.'
)
_NAMED_AT_MOST: Final = 3


@register("calendar_live")
def check_settings(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Report unknown names and wrong types in CALENDAR_LIVE, and aliases that do not exist."""
    found: list[CheckMessage] = [
        Error(f"CALENDAR_LIVE has no setting {name!r}.", id="calendar_live.E001") for name in conf.unknown()
    ]
    for name in conf.DEFAULTS:
        try:
            getattr(conf.app, name)
        except TypeError as error:
            found.append(Error(str(error), id="calendar_live.E002"))
    if not found and conf.app.CACHE not in conf.cache_aliases():
        found.append(Error(f"CACHES has no alias {conf.app.CACHE!r}.", id="calendar_live.E003"))
    if not found and conf.app.CHANNEL_LAYER not in conf.layer_aliases():
        found.append(
            Warning(
                "There is no channel layer: changes reach open pages by the check of the heads alone, "
                "within about a second.",
                id="calendar_live.W001",
            )
        )
    return found


def _live_models() -> list[type[LiveModel]]:
    return [model for model in apps.get_models() if issubclass(model, LiveModel) and not model._meta.proxy]


@register("calendar_live")
def check_live_models(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Report live models whose rows could not be written, or could be written so that no client can read them."""
    return [fault for model in _live_models() for fault in _faults_of_a_model(model)]


def _faults_of_a_model(model: type[LiveModel]) -> Iterator[CheckMessage]:
    key = model._meta.pk
    if key.name != "id" or not isinstance(key, UUIDField):
        yield Error(
            f"The key of {model.__name__} is {key.name}, a {type(key).__name__}; "
            "a live model's is LiveModel's own id, a UUIDField.",
            hint=_SHADOW_ROW,
            obj=model,
            id="calendar_live.E004",
        )
    if _wire_constraint(model) not in {constraint.name for constraint in model._meta.constraints}:
        yield Warning(
            f"The table of {model.__name__} takes rows that no client can read: "
            "its Meta leaves LiveModel's constraint out.",
            hint="class Meta(LiveModel.Meta): with constraints of its own, (*LiveModel.Meta.constraints, …). "
            "Then makemigrations.",
            obj=model,
            id="calendar_live.W002",
        )


def _wire_constraint(model: type[LiveModel]) -> str:
    return WIRE_CONSTRAINT % {"app_label": model._meta.app_label.lower(), "class": model.__name__.lower()}


# For each way in which the admin writes rows: the permission that can forbid it, and the method that would have to be
# overridden to call a service.
_ADMIN_WRITES: Final = (
    ("has_add_permission", "save_model"),
    ("has_change_permission", "save_model"),
    ("has_delete_permission", "delete_model"),
    ("has_delete_permission", "delete_queryset"),
)


@register(Tags.admin, "calendar_live")
def check_admin(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Report live models that an admin would write past the log."""
    if not apps.is_installed("django.contrib.admin"):
        return []
    registered = [
        (model, type(of_model))
        for site in admin.sites.all_sites
        for model, of_model in site._registry.items()
        if issubclass(model, LiveModel)
    ]
    return [
        Warning(
            f"{kind.__name__} writes {model.__name__} past the log: {', '.join(past)} of Django's own.",
            hint=f"Override {' and '.join(past)} to call services that use changelog.change, "
            "or refuse in has_*_permission.",
            obj=kind,
            id="calendar_live.W003",
        )
        for model, kind in registered
        if (past := _writes_past_the_log(kind))
    ]


def _writes_past_the_log(kind: type[admin.ModelAdmin[Any]]) -> list[str]:
    """Return the names of the methods by which an admin writes rows as Django does.

    These are methods that it does not override and that no overridden permission method guards.
    """
    past = [write for may, write in _ADMIN_WRITES if _is_djangos(kind, may) and _is_djangos(kind, write)]
    return list(dict.fromkeys(past))


def _is_djangos(kind: type[admin.ModelAdmin[Any]], name: str) -> bool:
    return getattr(kind, name) is getattr(admin.ModelAdmin, name)


@register(Tags.database, "calendar_live")
def check_tables(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Report tables of live models that have keys other than UUIDs, or rows that no client can read.

    `migrate` runs this check first, so that it starts no migration that it could not complete.
    """
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        with connection.cursor() as cursor:
            tables = set(connection.introspection.table_names(cursor))
        for model in _live_models():
            if model._meta.db_table in tables and router.allow_migrate_model(alias, model):
                found += _faults_of_a_table(connection, model)
    return found


def _faults_of_a_table(connection: BaseDatabaseWrapper, model: type[LiveModel]) -> Iterator[CheckMessage]:
    table = model._meta.db_table
    with connection.cursor() as cursor:
        columns = {column.name: column for column in connection.introspection.get_table_description(cursor, table)}
        constraints = connection.introspection.get_constraints(cursor, table)
    key = columns.get("id")
    if key is not None and not _holds_uuids(connection, key):
        yield Error(
            f"{table}.id is no column of UUIDs, as a live model's is ({model.__name__}).",
            hint=_SHADOW_ROW,
            obj=model,
            id="calendar_live.E005",
        )
    elif key is not None and (strange := _keys_that_are_no_uuid(connection, model)):
        yield Error(
            f"{table}.id holds what is no UUID, and Django cannot read those rows: {', '.join(strange)}.",
            hint=f"Restore the table as it was before its migration. {_SHADOW_ROW}",
            obj=model,
            id="calendar_live.E005",
        )
    elif "wire" in columns and _wire_constraint(model) not in constraints and (unsound := _unsound(connection, model)):
        yield Error(
            f"{table} has rows that were saved past changelog.change, whose wire is no event object: "
            f"{', '.join(unsound)}.",
            hint="They are on no screen. Write each with change.upsert inside of changelog.change, or delete it; "
            "then migrate.",
            obj=model,
            id="calendar_live.E006",
        )


def _holds_uuids(connection: BaseDatabaseWrapper, column: Any) -> bool:
    try:
        kind = connection.introspection.get_field_type(column.type_code, column)
    except KeyError:  # a type for which Django has no field
        return False
    if connection.features.has_native_uuid_field:
        return kind == "UUIDField"
    return kind == "CharField" and column.display_size == 32


def _keys_that_are_no_uuid(connection: BaseDatabaseWrapper, model: type[LiveModel]) -> list[str]:
    """Return a few keys that are not 32 characters long. A database with a UUID type of its own cannot have any."""
    if connection.features.has_native_uuid_field:
        return []
    keys = model._base_manager.using(connection.alias).annotate(key=Cast("pk", TextField()))
    return list(keys.annotate(length=Length("key")).exclude(length=32).values_list("key", flat=True)[:_NAMED_AT_MOST])


def _unsound(connection: BaseDatabaseWrapper, model: type[LiveModel]) -> list[str]:
    rows = model._base_manager.using(connection.alias).filter(~Q(wire__startswith=BEGINNING))
    return list(rows.annotate(key=Cast("pk", TextField())).values_list("key", flat=True)[:_NAMED_AT_MOST])
