/** Calls the API for a calendar's members, invitations and public links, and checks the answers. */
import { type Check, isFlag, isObject, isText, isUuid, listOf, oneOf, orNull, wrongField } from "../../protocol/checks";
import type { CalendarInfo, Offer } from "../../protocol/frames";
import { isCalendarInfo, isOffer } from "../../protocol/guards";
import type { Call, Request, Result } from "./http";

export type Role = "owner" | "editor" | "viewer" | "freebusy";

export interface Member {
  /** Only owners are told the address; it is empty when the account has none. */
  readonly user: { readonly id: string; readonly name: string; readonly username: string; readonly email?: string };
  readonly role: Role;
  readonly you: boolean;
  /** Only owners, and the member who received the offer, are told it. */
  readonly offer?: Offer | null;
}

/**
 * An invitation to an e-mail address that has not been accepted yet. It does not tell whether the address has an
 * account.
 */
export interface Invitation {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  /** A name, or null when that user was deleted. */
  readonly invitedBy: string | null;
  /** An instant, as is `expiresAt`. */
  readonly createdAt: string;
  readonly expiresAt: string;
  /** Whether the e-mail could be sent. */
  readonly mailed: boolean;
}

/** Exactly one of the two is set: a user name makes a member at once, an e-mail address makes an invitation. */
export interface Added {
  readonly member: Member | null;
  readonly invitation: Invitation | null;
}

export interface LinkFields {
  readonly name: string;
  readonly shows: "full" | "freebusy";
  /** An instant, or null for never. */
  readonly expiresAt: string | null;
  /** The origins whose pages may embed it. */
  readonly frameOrigins: readonly string[];
}

export interface PublicLink extends LinkFields {
  readonly id: string;
  readonly url: string;
  readonly embedUrl: string;
  readonly createdAt: string;
}

export interface DeletedCalendar {
  readonly id: string;
  readonly name: string;
  readonly color: string;
  readonly deletedAt: string;
  /** The instant after which it cannot be restored. */
  readonly until: string;
}

const isRole = oneOf("owner", "editor", "viewer", "freebusy");
const isShaped =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && wrongField(value, checks) === null;

const isMember = isShaped({
  user: isShaped({
    id: isText,
    name: isText,
    username: isText,
    email: (value) => value === undefined || isText(value),
  }),
  role: isRole,
  you: isFlag,
  offer: isOffer,
});
const isInvitation = isShaped({
  id: isText,
  email: isText,
  role: isRole,
  invitedBy: orNull(isText),
  createdAt: isText,
  expiresAt: isText,
  mailed: isFlag,
});
const isAdded = isShaped({ member: orNull(isMember), invitation: orNull(isInvitation) });
const isLink = isShaped({
  id: isUuid,
  name: isText,
  shows: oneOf("full", "freebusy"),
  url: isText,
  embedUrl: isText,
  frameOrigins: listOf(isText),
  createdAt: isText,
  expiresAt: orNull(isText),
});
const isDeletedCalendar = isShaped({ id: isUuid, name: isText, color: isText, deletedAt: isText, until: isText });

export class Sharing {
  constructor(private readonly call: Call) {}

  members(calendar: string): Promise<Result<readonly Member[]>> {
    return this.ask("GET", `${calendar}/members/`, listOf(isMember));
  }

  /** Share with the user of this name, or invite an e-mail address. */
  add(calendar: string, to: string, role: Role): Promise<Result<Added>> {
    return this.ask("POST", `${calendar}/members/`, isAdded, { to, role });
  }

  setRole(calendar: string, user: string, role: Role): Promise<Result<Member>> {
    return this.ask("PATCH", `${calendar}/members/${user}/`, isMember, { role });
  }

  remove(calendar: string, user: string): Promise<Result<unknown>> {
    return this.ask("DELETE", `${calendar}/members/${user}/`, isObject);
  }

  leave(calendar: string): Promise<Result<unknown>> {
    return this.ask("POST", `${calendar}/leave/`, isObject);
  }

  /** Offer a member to become the owner in the user's place. */
  transfer(calendar: string, user: string): Promise<Result<readonly Member[]>> {
    return this.ask("POST", `${calendar}/transfer/`, listOf(isMember), { to: user });
  }

  /** Accept or decline the ownership that the user was offered. */
  answerOffer(calendar: string, accept: boolean): Promise<Result<unknown>> {
    return this.ask("POST", `${calendar}/ownership/`, isObject, { accept });
  }

  invitations(calendar: string): Promise<Result<readonly Invitation[]>> {
    return this.ask("GET", `${calendar}/invitations/`, listOf(isInvitation));
  }

  /** Mail an invitation again with a new link; the old link ends. */
  sendAgain(calendar: string, invitation: string): Promise<Result<unknown>> {
    return this.ask("POST", `${calendar}/invitations/${invitation}/send/`, isObject);
  }

  withdraw(calendar: string, invitation: string): Promise<Result<unknown>> {
    return this.ask("DELETE", `${calendar}/invitations/${invitation}/`, isObject);
  }

  links(calendar: string): Promise<Result<readonly PublicLink[]>> {
    return this.ask("GET", `${calendar}/links/`, listOf(isLink));
  }

  /** Create a link (`null`), or change one. */
  saveLink(calendar: string, link: string | null, fields: Partial<LinkFields>): Promise<Result<PublicLink>> {
    return link === null
      ? this.ask("POST", `${calendar}/links/`, isLink, fields)
      : this.ask("PATCH", `${calendar}/links/${link}/`, isLink, fields);
  }

  withdrawLink(calendar: string, link: string): Promise<Result<unknown>> {
    return this.ask("DELETE", `${calendar}/links/${link}/`, isObject);
  }

  /** Return the deleted calendars that the user owns, newest first. */
  deletedCalendars(): Promise<Result<readonly DeletedCalendar[]>> {
    return this.ask("GET", "trash/", listOf(isDeletedCalendar));
  }

  /** Restore a deleted calendar for all its members. */
  restoreCalendar(calendar: string): Promise<Result<CalendarInfo>> {
    return this.ask("POST", `${calendar}/restore/`, isCalendarInfo);
  }

  private async ask<T>(method: Request["method"], path: string, isAnswer: Check, body?: unknown): Promise<Result<T>> {
    const result = await this.call({ method, path: `calendars/${path}`, ...(body === undefined ? {} : { body }) });
    if (!result.ok) return result;
    const { json, status } = result.value;
    if (isAnswer(json)) return { ok: true, value: json as T };
    return { ok: false, error: { status, code: "unreadable", detail: "The server's answer could not be read." } };
  }
}
