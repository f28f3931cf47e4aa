"""Sends the mail of an invitation."""

from __future__ import annotations

import logging

from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from ..access import display_name
from ..models import Invitation

logger = logging.getLogger(__name__)


def mail_invitation(request: HttpRequest, invitation: Invitation, token: str) -> bool:
    """Mail an invitation's link. Return whether the backend accepted the mail. Anything that it raises is logged."""
    path = reverse("calendar_live:invitation", kwargs={"token": token})
    name, calendar = _line(display_name(request.user)), _line(invitation.calendar.name)
    context = {
        "person": name,
        "calendar": calendar,
        "role": invitation.get_role_display(),
        "expires_at": f"{invitation.expires_at:%Y-%m-%d %H:%M}",
        "url": request.build_absolute_uri(path),
    }
    subject = _("{person} invites you to the calendar “{calendar}”").format(person=name, calendar=calendar)
    message = EmailMessage(
        subject, render_to_string("calendar_live/invitation_mail.txt", context), to=[invitation.email]
    )
    try:
        return message.send() > 0
    except Exception:  # the backend may raise anything; the invitation exists, and can be sent again
        logger.warning("The mail of invitation %s was not sent", invitation.pk, exc_info=True)
        return False


def _line(text: str) -> str:
    """Return a text on one line, so that in a header it cannot begin another header."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
