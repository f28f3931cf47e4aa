"""Words each failure as a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .errors import CalendarLiveError, Fault

Sentence = str | Promise

# Sentences that people can see on a page, in the admin or in a mail. The translations in locale/ contain them.
_FOR_PEOPLE: Final[Mapping[str, Sentence]] = {
    # --- each code, when nothing more is known
    "signed_out": _("Sign in first."),
    "forbidden": _("You may not do this."),
    "csrf": _("The CSRF token is missing or wrong. Reload the page and try again."),
    "not_found": _("There is nothing here that you may see."),
    "already_exists": _("A work item with this id exists already."),
    "already_member": _("This person is in the calendar already."),
    "stale": _("Someone changed this work item meanwhile."),
    "malformed": _("The request could not be read. Reload the page and try again."),
    "too_large": _("The request is too large."),
    "invalid": _("Some fields are not valid."),
    "too_many": _("Too many requests. Try again later."),
    "unavailable": _("The site is busy. Try again in a moment."),
    # --- calendars
    "no_calendar": _("There is no such calendar, or it is not shared with you."),
    "no_calendar_in_trash": _("There is no such calendar in your trash."),
    "owners_only": _("Only the owners of a calendar may do this."),
    "view_only": _("You can view this calendar, but not change it."),
    "no_calendar_to_change": _(
        "You cannot add items to any calendar yet. Create a calendar, or ask to be an editor of one."
    ),
    "name_missing": _("Enter a name."),
    "not_color": _("Must be a colour, such as #2563eb."),
    "not_zone": _("Must be a time zone, such as Asia/Manila."),
    "not_own_calendars": _("Must be calendars of yours, each once."),
    # --- work items
    "no_item": _("There is no such work item, or you cannot see it."),
    "item_gone": _("This work item is no longer here."),
    "item_deleted": _("This work item was deleted."),
    "deleted_meanwhile": _("Someone deleted this work item meanwhile."),
    "item_missing": _("This work item no longer exists."),
    "deletion_changed": _("Someone restored this work item, or deleted it again, meanwhile."),
    "created_before": _(
        "This work item was created before. It was then deleted, or is in another calendar. "
        "To create another one, open a new form."
    ),
    "same_calendar": _("It is in this calendar already."),
    "required": _("This field is required."),
    "bad_characters": _("Contains characters that cannot be saved."),
    "too_long": _("Must be at most %(limit)s characters long."),
    "not_among": _("Must be one of: %(choices)s."),
    "out_of_bounds": _("Must be from %(earliest)s to %(latest)s."),
    "no_such_date": _("There is no such date."),
    "time_skipped": _("There is no %(time)s on this day: the clocks of %(zone)s go forward."),
    "before_start": _("Must not be before the start."),
    "not_after_start": _("Must be after the start."),
    "not_percent": _("Must be a whole number from 0 to 100."),
    "no_parent": _("There is no such work item in this calendar."),
    "below_itself": _("A work item cannot be part of itself."),
    "too_deep": _("Work items can be nested at most %(limit)s levels deep."),
    "not_link": _("Enter an address that begins with http:// or https://."),
    "link_characters": _('The address must not contain spaces, invisible characters, or any of \\ < > ".'),
    "link_host": _("Browsers cannot open this address. Check the part after //, such as www.example.org."),
    "link_names_user": _("The address must not contain a user name or a password."),
    "tag_length": _("Each tag must have from 1 to %(limit)s characters."),
    "tag_comma": _("A tag must not contain commas."),
    "tag_characters": _(
        "A tag must not contain line breaks, control characters, or characters that change the direction of text."
    ),
    "tag_unseen": _("Each tag must contain a visible character."),
    "too_many_tags": _("At most %(limit)s tags."),
    "too_many_assignees": _("At most %(limit)s people can work on one item."),
    "strangers": _("Not a member of this calendar: %(ids)s."),
    # --- people
    "member_already": _("%(name)s is in this calendar already, as %(role)s."),
    "no_member": _("This person is not in this calendar."),
    "member_left": _("This person was taken out of the calendar at the same moment."),
    "people_hidden": _("You see when people are busy here, but not who they are."),
    "last_owner": _("A calendar needs an owner. Make someone else an owner first."),
    "last_owner_of": _("This user is the only owner of “%(calendar)s”. Make someone else an owner first."),
    "last_active_owner": _("This user is the only active owner of %(calendars)s. Make someone else an owner first."),
    "members_full": _("A calendar has at most %(limit)s members."),
    "account_deleted": _("This account was deleted meanwhile."),
    "account_inactive": _("This person’s account is not active."),
    "not_a_member": _("Must be a member of this calendar."),
    "yourself": _("This is you. Choose somebody else."),
    "offer_gone": _("This offer is no longer open: it was withdrawn or answered."),
    "nobody_named": _(
        "There is no user with this name. To invite someone without an account, enter their e-mail address."
    ),
    "several_named": _("Several users have this name. Enter it with the same capital letters as theirs."),
    "not_address": _("Enter a user name or an e-mail address."),
    "odd_address": _("Enter an e-mail address of at most 254 characters, without accents or special letters."),
    "owner_by_mail": _("To make someone an owner, first invite them as an editor."),
    "invitation_gone": _("This invitation is no longer open: it was used or withdrawn, or it has expired."),
    "invitations_full": _(
        "At most %(limit)s invitations can be open in a calendar, or made in a day. Withdraw some, or wait a day."
    ),
    "mailed_just_now": _("This invitation was sent a moment ago. Wait %(seconds)s seconds before you send it again."),
    "email_taken": _("There is already an account with this e-mail address. Sign in with it."),
    "username_taken": _("A user with that username already exists."),
    # --- public links
    "no_link": _("There is no such public link. It may have been withdrawn."),
    "link_ended": _("This link no longer works."),
    "links_full": _("A calendar has at most %(limit)s public links. Withdraw one first."),
    "not_in_future": _("Must be in the future."),
    "too_many_sites": _("At most %(limit)s sites can embed a link."),
    "not_site": _(
        "Enter addresses of sites without a path, such as https://www.example.org. This is not one: “%(given)s”."
    ),
    # --- what Django's rules for user names and passwords say, in Django's words
    "site_rule": "%(said)s",
}

# Sentences for faults that only the author of a client can cause. They name headers, frames and fields of the wire, and
# are not translated.
_FOR_PROGRAMS: Final[Mapping[str, Sentence]] = {
    "wrong_method": "This address does not know this method.",
    "cannot_calculate_changes": "Changes since that state are not known; load the feed again.",
    "pruned": "Changes since that state are not known; load the feed again.",
    "diverged": "Changes since that state are not known; load the feed again.",
    "bulk": "Changes since that state are not known; load the feed again.",
    "key_reused": "This Idempotency-Key was used for a different request.",
    "not_yet": "This revision is not here yet; try again shortly.",
    "no_address": "The API has no address %(path)r.",
    "link_only": "A public link shows a calendar, and does nothing else.",
    # --- bodies and headers
    "body_too_large": "The body has more than %(limit)s bytes.",
    "half_character": "The body holds half a surrogate pair, which is no character.",
    "too_many_parameters": "The request has more parameters than are read.",
    "query_not_utf_8": "The query of the address is not UTF-8.",
    "body_is_form": "The body must be JSON, and no form.",
    "body_not_json": "The body cannot be read as JSON.",
    "if_match": 'If-Match: must be one state in double quotes, as "42.0123456789abcdef".',
    "if_match_missing": "If-Match: must name the state of the deletion to undo.",
    "idempotency_key": "Idempotency-Key: must be a UUID.",
    "too_many_faults": "%(count)s values are not valid: more than are named.",
    "unknown_field": "There is no such field.",
    "unknown_parameter": "There is no such parameter.",
    "of_schema": "%(said)s.",
    # --- values of another type than the protocol says
    "not_text": "Must be text.",
    "not_boolean": "Must be true or false.",
    "not_instant": "Must be a date-time with a time zone.",
    "not_instant_or_null": "Must be a date-time with a time zone, or null.",
    "not_date": "Must be a date when the item is all-day.",
    "not_texts": "Must be a list of texts.",
    "not_iso_instant": "Not an ISO 8601 date-time, as 2026-11-22T09:00:00Z.",
    "not_iso_date": "Not an ISO 8601 date, as 2026-11-22.",
    "no_offset": "Has no time zone: end it with Z or an offset as +08:00 (written %%2B in a URL).",
    "end_is_exclusive": "Must be after the start: the end of an all-day item is exclusive.",
    "range_too_long": "A range has at most %(limit)s days.",
    "not_user_ids": "Must be a list of user ids.",
    "not_item_id": "Must be the id of a work item.",
    "not_item_ids": "Must be the ids of work items.",
    "not_calendar_id": "Must be the UUID of a calendar.",
    "not_calendar_ids": "Must be the ids of calendars.",
    "not_sites": "Must be a list of origins.",
    "named_twice": "Names a work item twice.",
    "nothing_named": "Name at least one work item.",
    "too_many_named": "Name at most %(limit)s work items.",
    "state_of_another": "Names a work item that the call does not.",
    # --- frames
    "frame_not_json": "The frame is not JSON.",
    "frame_not_object": "The frame is not a JSON object.",
    "frame_not_text": "Only text frames are understood.",
    "frame_too_large": "A frame has at most %(limit)s bytes.",
    "frame_type": "type: unknown frame type %(given)r.",
    "frame_field": "%(field)s: missing or unknown field of %(type)r.",
    "frame_not_subscribe": "frames: only 'subscribe' is answered here.",
    "not_frame_id": "id: not a whole number from 0 to 2^53-1.",
    "not_states": "states: not an object.",
    "field_not_text": "%(field)s: not text.",
    "not_lower_uuid": "calendar: not a lower-case UUID.",
    "not_state": "%(given)r is not a state (revision.nonce).",
    "not_access": "%(given)r is not an access token (rights.version).",
    "too_many_calendars": "A page follows at most %(limit)s calendars.",
    "too_many_subscribes": "At most %(limit)s subscriptions wait for their answer.",
    "too_many_waiting": "Too many requests wait for changes.",
}

SENTENCES: Final[Mapping[str, Sentence]] = {**_FOR_PEOPLE, **_FOR_PROGRAMS}


def sentence(fault: Fault) -> str:
    """Return the sentence of a fault, with its values filled in."""
    return str(SENTENCES[fault.key]) % {name: _shown(value) for name, value in fault.params.items()}


def detail(failure: CalendarLiveError) -> str:
    """Return the sentence about a failure as a whole."""
    return sentence(failure.fault)


def fields(failure: CalendarLiveError) -> dict[str, list[str]]:
    """Return the sentences about each field at fault, by its name on the wire."""
    return {name: [sentence(fault) for fault in faults] for name, faults in failure.fields.items()}


def whole(failure: CalendarLiveError) -> str:
    """Return all sentences about a failure, as one text."""
    return " ".join([detail(failure), *(text for texts in fields(failure).values() for text in texts)])


def as_json(failure: CalendarLiveError) -> dict[str, object]:
    """Return `{"code", "detail"}`, and `fields` (wire name -> sentences) if any field is at fault."""
    body: dict[str, object] = {"code": failure.code, "detail": detail(failure)}
    return body | {"fields": fields(failure)} if failure.fields else body


def _shown(value: object) -> str:
    """Return a value as text for a sentence: a list separated by commas, a choice of a model by its label."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return str(getattr(value, "label", value))
