/** Defines the frames of the protocol, both ways, as types. */
import type { Item, Unreadable } from "./item";
import type { State } from "./state";

/** Who made a change: an id as text and a name for people. */
export interface Actor {
  readonly id: string;
  readonly name: string;
}

/** Ownership that somebody was offered and has not answered yet; `handsOver`: in place of who offers it. */
export interface Offer {
  readonly by: Actor;
  readonly handsOver: boolean;
}

/** A calendar as its list and its `calendar` frame tell it. */
export interface CalendarInfo {
  readonly id: string;
  readonly name: string;
  readonly color: string;
  readonly timeZone: string;
  readonly role: string;
  readonly rights: string;
  /** Its place in one's own order of calendars. */
  readonly position?: number;
  readonly people: readonly { readonly id: string; readonly name: string }[];
  /** For its owners: another number when members, roles, invitations or public links changed. Else null. */
  readonly sharing?: number | null;
  /** To oneself. */
  readonly offer?: Offer | null;
}

/** The first frame of a socket. */
export interface HelloFrame {
  readonly type: "hello";
  readonly protocol: number;
  readonly heartbeatSeconds: number;
}

/** The end of a subscription's replay: from `state` on, the calendar is live. */
export interface SubscribedFrame {
  readonly type: "subscribed";
  readonly id: number;
  readonly calendar: string;
  readonly state: State;
  readonly access: string;
}

/** A change set or, when `more`, a chunk of one: all its chunks carry the same two states. */
export interface ChangesFrame {
  readonly type: "changes";
  readonly calendar: string;
  readonly oldState: State;
  readonly newState: State;
  readonly more: boolean;
  readonly upserted: readonly Item[];
  readonly destroyed: readonly string[];
  readonly actor: Actor | null;
  readonly mutationId: string | null;
  /** In a replay: the state of the later set up to which all sets are only true together. */
  readonly until?: State;
  /** Not on the wire: what was among `upserted` and could not be read. Those with an id stand in `destroyed`. */
  readonly unreadable?: readonly Unreadable[];
}

/** The heartbeat: where each of this socket's calendars stands. */
export interface HeadFrame {
  readonly type: "head";
  readonly states: Readonly<Record<string, State>>;
}

export type ResetReason = "pruned" | "diverged" | "bulk" | "rights";

/** The order to start anew, within a random part of `spreadMs`. */
export interface ResetFrame {
  readonly type: "reset";
  readonly calendar: string;
  readonly reason: ResetReason;
  readonly spreadMs: number;
}

/** Created, shared with me, renamed, recoloured, or my role changed. */
export interface CalendarFrame {
  readonly type: "calendar";
  readonly calendar: CalendarInfo;
}

/** No longer mine: drop it and all its items now. */
export interface RightsFrame {
  readonly type: "rights";
  readonly calendar: string;
  readonly rights: null;
}

/** Connect anew, within a random part of `spreadMs`. */
export interface ReconnectFrame {
  readonly type: "reconnect";
  readonly spreadMs: number;
}

export interface PongFrame {
  readonly type: "pong";
}

/** A failure, with the id of the subscribe it answers (null: of no readable frame). */
export interface ErrorFrame {
  readonly type: "error";
  readonly id: number | null;
  readonly code: string;
  readonly detail?: string;
}

export type ServerFrame =
  | HelloFrame
  | SubscribedFrame
  | ChangesFrame
  | HeadFrame
  | ResetFrame
  | CalendarFrame
  | RightsFrame
  | ReconnectFrame
  | PongFrame
  | ErrorFrame;

/** Ask for a calendar's changes after `state` (null: from now on); `access` is what the client's picture was made with. */
export interface SubscribeFrame {
  readonly type: "subscribe";
  readonly id: number;
  readonly calendar: string;
  readonly state: State | null;
  readonly access: string | null;
}

export interface UnsubscribeFrame {
  readonly type: "unsubscribe";
  readonly calendar: string;
}

/** The answer to `head`: alive, and how far this client is. */
export interface AckFrame {
  readonly type: "ack";
  readonly states: Readonly<Record<string, State>>;
}

/** Is this socket alive? */
export interface PingFrame {
  readonly type: "ping";
}

export type ClientFrame = SubscribeFrame | UnsubscribeFrame | AckFrame | PingFrame;
