"""Serves sharing over HTTP: members, invitations, ownership, and leaving a calendar."""

from __future__ import annotations

from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Router

from .. import access
from ..access import display_name
from ..errors import Forbidden, NotFound
from ..models import Invitation, Membership, Role
from ..reading.calendars import offer_to
from ..schedule.ranges import format_instant
from ..services import sharing
from ..services.roles import require_owner
from .http import json_response, mutation_id
from .mail import mail_invitation
from .schemas import InvitationOut, MemberOut, OfferAnswer, RoleIn, SharedOut, ShareWith, TransferTo

router = Router(tags=["sharing"])

_MEMBERS = "/calendars/{uuid:calendar_id}/members/"
_INVITATIONS = "/calendars/{uuid:calendar_id}/invitations/"


@router.get(_MEMBERS, response=list[MemberOut])
def list_members(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Return a calendar's members by name. Owners also get their e-mail addresses. Not for free/busy members."""
    return json_response(orjson.dumps(_members(request, calendar_id)))


@router.post(_MEMBERS, response={201: SharedOut})
def share_calendar(request: HttpRequest, calendar_id: UUID, body: ShareWith) -> HttpResponse:
    """Share a calendar with a user or an e-mail address. For its owners.

    A user becomes a member at once. An e-mail address is sent an invitation, whether or not it belongs to an account.
    An invitation that could not be mailed exists all the same, with `mailed` false: send it again.
    """
    shared = sharing.share(
        calendar_id, actor=request.user, to=body.to, role=Role(body.role), mutation_id=mutation_id(request)
    )
    if isinstance(shared, sharing.Mailing):
        answer = {"member": None, "invitation": _mailed(request, shared)}
    else:
        answer = {"member": _member(request, calendar_id, str(shared)), "invitation": None}
    return json_response(orjson.dumps(answer), status=201)


@router.patch(_MEMBERS + "{str:user_id}/", response=MemberOut)
def change_member(request: HttpRequest, calendar_id: UUID, user_id: str, body: RoleIn) -> HttpResponse:
    """Give a member another role, or offer them ownership. For the calendar's owners. The last owner keeps the role."""
    sharing.change_role(
        calendar_id, actor=request.user, member=user_id, role=Role(body.role), mutation_id=mutation_id(request)
    )
    return json_response(orjson.dumps(_member(request, calendar_id, user_id)))


@router.delete(_MEMBERS + "{str:user_id}/")
def remove_member(request: HttpRequest, calendar_id: UUID, user_id: str) -> HttpResponse:
    """Remove a member from a calendar, and from the work items in it. For its owners."""
    sharing.remove(calendar_id, actor=request.user, member=user_id, mutation_id=mutation_id(request))
    return json_response(orjson.dumps({"user": user_id}))


@router.post("/calendars/{uuid:calendar_id}/leave/")
def leave_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Leave a calendar. Its last owner cannot leave it."""
    sharing.leave(calendar_id, actor=request.user, mutation_id=mutation_id(request))
    return json_response(orjson.dumps({"id": str(calendar_id)}))


@router.post("/calendars/{uuid:calendar_id}/transfer/", response=list[MemberOut])
def transfer_calendar(request: HttpRequest, calendar_id: UUID, body: TransferTo) -> HttpResponse:
    """Offer a member ownership in your place. When they accept, you become an editor. For the calendar's owners."""
    sharing.transfer(calendar_id, actor=request.user, to=body.to, mutation_id=mutation_id(request))
    return json_response(orjson.dumps(_members(request, calendar_id)))


@router.post("/calendars/{uuid:calendar_id}/ownership/")
def answer_offer(request: HttpRequest, calendar_id: UUID, body: OfferAnswer) -> HttpResponse:
    """Accept or decline an offer of ownership that you have received."""
    role = sharing.answer_offer(calendar_id, actor=request.user, accept=body.accept, mutation_id=mutation_id(request))
    return json_response(orjson.dumps({"id": str(calendar_id), "role": role}))


@router.get(_INVITATIONS, response=list[InvitationOut])
def list_invitations(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Return the open invitations, oldest first. For the calendar's owners."""
    require_owner(request.user, calendar_id)
    return json_response(orjson.dumps([_described(one) for one in sharing.pending(calendar_id)]))


@router.post(_INVITATIONS + "{uuid:invitation_id}/send/", response=InvitationOut)
def send_invitation(request: HttpRequest, calendar_id: UUID, invitation_id: UUID) -> HttpResponse:
    """Mail an invitation again, with a new link and a new expiry. The old link ends. For the calendar's owners."""
    mailing = sharing.send_again(
        calendar_id, actor=request.user, invitation_id=invitation_id, mutation_id=mutation_id(request)
    )
    return json_response(orjson.dumps(_mailed(request, mailing)))


@router.delete(_INVITATIONS + "{uuid:invitation_id}/")
def withdraw_invitation(request: HttpRequest, calendar_id: UUID, invitation_id: UUID) -> HttpResponse:
    """Withdraw an invitation. Its link ends. For the calendar's owners."""
    sharing.withdraw(calendar_id, actor=request.user, invitation_id=invitation_id, mutation_id=mutation_id(request))
    return json_response(orjson.dumps({"id": str(invitation_id)}))


def _mailed(request: HttpRequest, mailing: sharing.Mailing) -> dict[str, object]:
    if not mailing.token:
        return _described(mailing.invitation)
    mailed = mail_invitation(request, mailing.invitation, mailing.token)
    if mailed:
        sharing.mark_mailed(mailing.invitation.pk, token=mailing.token)
    return _described(mailing.invitation) | {"mailed": mailed}


def _described(invitation: Invitation) -> dict[str, object]:
    by = invitation.invited_by
    return {
        "id": str(invitation.pk),
        "email": invitation.email,
        "role": invitation.role,
        "invitedBy": None if by is None else display_name(by),
        "createdAt": format_instant(invitation.created_at),
        "expiresAt": format_instant(invitation.expires_at),
        "mailed": invitation.mailed_at is not None,
    }


def _members(request: HttpRequest, calendar_id: UUID) -> list[dict[str, object]]:
    standing = access.standing(request.user, calendar_id)
    if standing.rights == "freebusy":
        raise Forbidden("people_hidden")
    rows = _rows(calendar_id)
    found = [_as_member(request, one, rows, by_owner=standing.role == Role.OWNER) for one in rows]
    return sorted(found, key=lambda one: (one["user"]["name"].casefold(), one["user"]["id"]))  # type: ignore[index]


def _member(request: HttpRequest, calendar_id: UUID, user_id: str) -> dict[str, object]:
    """Return a member with the rights that the caller has now, which may be less than an owner's again."""
    standing = access.standing(request.user, calendar_id)
    if standing.rights == "freebusy" and str(request.user.pk) != user_id:
        raise Forbidden("people_hidden")
    rows = _rows(calendar_id)
    for row in rows:
        if str(row.user_id) == user_id:
            return _as_member(request, row, rows, by_owner=standing.role == Role.OWNER)
    raise NotFound("member_left")


def _rows(calendar_id: UUID) -> list[Membership]:
    return list(Membership.objects.filter(calendar=calendar_id).select_related("user"))


def _as_member(
    request: HttpRequest, mine: Membership, members: list[Membership], *, by_owner: bool
) -> dict[str, object]:
    user = mine.user
    told = {"id": str(user.pk), "name": display_name(user), "username": user.get_username()}
    if by_owner:
        told["email"] = str(getattr(user, user.get_email_field_name()) or "")
    you = user.pk == request.user.pk
    return {"user": told, "role": mine.role, "you": you, "offer": offer_to(mine, members) if by_owner or you else None}
