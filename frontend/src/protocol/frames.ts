/** Defines the frames of the protocol, both ways, as types. */
import type { Item, Unreadable } from "./item";
import type { State } from "./state";

/** The user who made a change: an id as text, and a name for people. */
export interface Actor {
  readonly id: string;
  readonly name: string;
}

/** Ownership that was offered to a member who has not answered yet. `handsOver`: it is offered in place of `by`. */
export interface Offer {
  readonly by: Actor;
  readonly handsOver: boolean;
}

/** A calendar, as the list of calendars and the `calendar` frame describe it. */
export interface CalendarInfo {
  readonly id: string;
  readonly name: string;
  readonly color: string;
  readonly timeZone: string;
  readonly role: string;
  readonly rights: string;
  /** Its place in the receiver's own order of calendars. */
  readonly position?: number;
  readonly people: readonly { readonly id: string; readonly name: string }[];
  /**
   * For owners: a number that changes whenever members, roles, invitations or public links change. For others: null.
   */
  readonly sharing?: number | null;
  /** The offer that the receiver has, if any. */
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

/** A change set or, with `more`, a chunk of one. All chunks of a change set have the same two states. */
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
  /** In a replay: the state of the later set with which this set, and those between, are true. */
  readonly until?: State;
  /**
   * Not on the wire: the values of `upserted` and `destroyed` that could not be read. Items that have an id are in
   * `destroyed`.
   */
  readonly unreadable?: readonly Unreadable[];
}

/** The heartbeat: the state that each calendar of this socket has reached. */
export interface HeadFrame {
  readonly type: "head";
  readonly states: Readonly<Record<string, State>>;
}

export type ResetReason = "pruned" | "diverged" | "bulk" | "rights";

/** The order to start over, within a random part of `spreadMs`. */
export interface ResetFrame {
  readonly type: "reset";
  readonly calendar: string;
  readonly reason: ResetReason;
  readonly spreadMs: number;
}

/** A calendar was created, shared with the receiver, renamed or recoloured, or the receiver's role changed. */
export interface CalendarFrame {
  readonly type: "calendar";
  readonly calendar: CalendarInfo;
}

/** The receiver has lost the calendar: drop it and all its items now. */
export interface RightsFrame {
  readonly type: "rights";
  readonly calendar: string;
  readonly rights: null;
}

/** The order to connect again, within a random part of `spreadMs`. */
export interface ReconnectFrame {
  readonly type: "reconnect";
  readonly spreadMs: number;
}

export interface PongFrame {
  readonly type: "pong";
}

/** A failure, with the id of the subscribe that it answers; null if it answers a frame that could not be read. */
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

/**
 * Asks for a calendar's changes after `state` (null: from now on). `access` is the access that the client's picture was
 * made with.
 */
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

/** The answer to `head`: the client is alive, and has reached these states. */
export interface AckFrame {
  readonly type: "ack";
  readonly states: Readonly<Record<string, State>>;
}

/** Asks whether this socket is alive. */
export interface PingFrame {
  readonly type: "ping";
}

export type ClientFrame = SubscribeFrame | UnsubscribeFrame | AckFrame | PingFrame;
