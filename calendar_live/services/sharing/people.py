"""Finds the people that a caller names: members, users by name, and e-mail addresses."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from ...access import UserKey, display_name
from ...errors import AlreadyMember, Fault, Invalid, NotFound
from ...models import Membership, Role
from ..roles import members, put_role
from ..texts import is_text


def require_active(key: UserKey, *, field: str) -> None:
    if not get_user_model()._default_manager.filter(pk=key, is_active=True).exists():
        raise Invalid(fields={field: [Fault("account_inactive")]})


def member_key(calendar_id: UUID, text: str) -> UserKey:
    """Return the key of the member whose key has this text. Raises NotFound."""
    found = [key for key in members(calendar_id) if str(key) == text]
    if not found:
        raise NotFound("no_member")
    return found[0]


def put_role_as(calendar_id: UUID, key: UserKey, role: Role, *, field: str) -> None:
    try:
        put_role(calendar_id, key, role)
    except Invalid as failure:  # the caller gave the member in another field
        raise Invalid(fields={field: failure.fields["member"]}) from failure


def refuse_members(found: Iterable[Membership]) -> None:
    for mine in found:
        raise AlreadyMember("member_already", name=display_name(mine.user), role=Role(mine.role))


def members_of_address(calendar_id: UUID, email: str) -> list[Membership]:
    """Return the members that the calendar's owners see with this address."""
    field = get_user_model().get_email_field_name()
    alike = Membership.objects.filter(calendar=calendar_id, **{f"user__{field}__iexact": email}).select_related("user")
    # Databases fold case in different ways. An address that differs by our own comparison is somebody else's.
    return [one for one in alike if email_of(one.user) == email]


def user_named(name: str) -> AbstractBaseUser:
    """Return the active user with exactly this name, or else the only one if case is ignored. Raises Invalid."""
    model = get_user_model()
    alike = model._default_manager.filter(**{f"{model.USERNAME_FIELD}__iexact": name}, is_active=True)
    found = list(alike) if is_text(name) else []  # PostgreSQL accepts no other texts
    found = [user for user in found if user.get_username() == name] or found
    if len(found) != 1:
        raise Invalid(fields={"to": [Fault("several_named") if found else Fault("nobody_named")]})
    return found[0]


def email_of(user: AbstractBaseUser) -> str:
    return str(getattr(user, user.get_email_field_name()) or "").lower()


def email_address(text: str) -> str:
    """Return an e-mail address in lower case. Raises Invalid.

    Only ASCII is accepted: an address with other letters could look like somebody else's.
    """
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(fields={"to": [Fault("not_address")]}) from error
    if not (email.isascii() and email.isprintable()) or len(email) > 254:
        raise Invalid(fields={"to": [Fault("odd_address")]})
    return email
