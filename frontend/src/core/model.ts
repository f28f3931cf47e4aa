/** Defines a calendar's state, its inputs and its effects. */
import type { Actor, ChangesFrame, ClientFrame, ErrorFrame, ResetFrame, SubscribedFrame } from "../protocol/frames";
import type { Item, Unreadable } from "../protocol/item";
import type { State } from "../protocol/state";
import type { Range } from "./range";
import { Shelf } from "./shelf";

/** An item, and the revision at which it is known. */
export interface Row {
  readonly item: Item;
  readonly revision: number;
}

/** One change set, put together from its chunks. */
export interface ChangeSet {
  readonly oldState: State;
  readonly newState: State;
  readonly upserted: readonly Item[];
  readonly destroyed: readonly string[];
  readonly actor: Actor | null;
  readonly mutationId: string | null;
  readonly until?: State | undefined;
  /**
   * Items that could not be read. Those with an id are in `destroyed` too, although nobody is known to have deleted
   * them. This list is used only to tell the page about the change.
   */
  readonly unreadable: readonly Unreadable[];
}

/** The answer of a feed. `rows` is null if it was a 304: nothing has changed since the answer with that ETag. */
export interface FeedAnswer {
  readonly state: State;
  readonly access: string;
  readonly etag: string | null;
  readonly rows: readonly Item[] | null;
}

/**
 * A feed in flight or, with `answer`, one that is ahead of the cursor. `waitsSince` is the number of subscribes that
 * had been sent when its wait began.
 */
export interface Ask {
  readonly ask: number;
  readonly range: Range;
  readonly minRevision: number;
  readonly answer: FeedAnswer | null;
  readonly waitsSince: number;
}

/** A range that is on some screen. `settled`: it has been answered since it was last shown. */
export interface Shown {
  readonly range: Range;
  readonly viewers: ReadonlySet<string>;
  readonly settled: boolean;
}

/** What a page does to an item. `changes` has fields under their names on the wire. */
export type Edit =
  | { readonly type: "patch"; readonly changes: object }
  | { readonly type: "delete"; readonly children?: "delete" | "reparent" };

/** An optimistic edit (C8). It shows from now on, while it waits for its turn, for its answer, or for the store. */
export interface Mutation {
  /** The Idempotency-Key. */
  readonly key: string;
  readonly edit: Edit;
  /** The state that the item must have (`If-Match`); null: any state. */
  readonly state: State | null;
  readonly sent: boolean;
  /** Answers lost so far. */
  readonly attempts: number;
  /** The state with which it was answered, and how many subscribes had been sent by then. */
  readonly answered: { readonly state: State; readonly sequence: number } | null;
}

export type GoneReason = "withdrawn" | "forbidden" | "not_found";

/** One calendar, as the client knows it. The object never changes: each input makes a new one. */
export interface CalendarState {
  readonly calendar: string;
  /** Keeps this calendar's subscribe ids apart from those of the socket's other calendars. */
  readonly lane: number;
  readonly connected: boolean;
  readonly gone: GoneReason | null;
  readonly generation: number;
  readonly cursor: State | null;
  readonly access: string | null;
  /** The states passed in this generation, oldest first, as far back as the answer of a feed in flight may be. */
  readonly chain: ReadonlySet<State>;
  readonly rows: Shelf<Row>;
  /** The revisions at which items are known to be absent: tombstones, and items that a newer feed lacked. */
  readonly graves: ReadonlyMap<string, number>;
  /** The picture from before the last reset. It is shown where the store knows nothing yet. */
  readonly old: ReadonlyMap<string, Item> | null;
  /** The access with which that picture was made. */
  readonly oldAccess: string | null;
  /** The edits of each item, in the order in which they were made. At most one of them is in flight. */
  readonly overlays: ReadonlyMap<string, readonly Mutation[]>;
  readonly part: ChangeSet | null;
  /** Sets, in their order, that are only true together with one that has not arrived yet. */
  readonly group: readonly ChangeSet[];
  /** Sets that wait for one that is missing between the cursor and them. */
  readonly ahead: readonly ChangeSet[];
  /** The number of subscribes sent. The id of the last one is made from it. */
  readonly sequence: number;
  readonly pending: boolean;
  readonly resetting: boolean;
  readonly gapTimer: boolean;
  readonly errors: number;
  readonly shown: ReadonlyMap<string, Shown>;
  readonly asks: ReadonlyMap<string, Ask>;
  readonly lastAsk: number;
  /** Failed or unusable answers in a row, per range. */
  readonly retries: ReadonlyMap<string, number>;
  /** Ranges whose retry timer is running. */
  readonly retrying: ReadonlySet<string>;
  /** ETags of the ranges answered in this generation: nothing of them has been forgotten since. */
  readonly etags: ReadonlyMap<string, string>;
}

export type FeedFailure =
  | { readonly kind: "retry"; readonly afterMs: number | null }
  | { readonly kind: "refused" }
  /** The feed needs somebody to sign in again. It is asked for again when the calendar is live again. */
  | { readonly kind: "signed-out" }
  | { readonly kind: "gone"; readonly reason: GoneReason };

export type TimerName = "gap" | "reset" | "resubscribe" | `retry:${string}` | `mutation:${string}`;

export type Input =
  | { readonly type: "show"; readonly viewer: string; readonly range: Range; readonly again?: boolean }
  | { readonly type: "hide"; readonly viewer: string }
  | { readonly type: "opened" }
  | { readonly type: "closed" }
  | { readonly type: "subscribed"; readonly frame: SubscribedFrame }
  | { readonly type: "changes"; readonly frame: ChangesFrame }
  | { readonly type: "head"; readonly state: State }
  | { readonly type: "reset"; readonly frame: ResetFrame }
  | { readonly type: "error"; readonly frame: ErrorFrame }
  | { readonly type: "withdrawn" }
  | { readonly type: "granted" }
  | { readonly type: "feed"; readonly ask: number; readonly answer: FeedAnswer }
  | { readonly type: "feedFailed"; readonly ask: number; readonly failure: FeedFailure }
  | {
      readonly type: "mutate";
      readonly key: string;
      readonly id: string;
      readonly edit: Edit;
      readonly state: State | null;
    }
  | { readonly type: "mutationAnswered"; readonly key: string; readonly state: State }
  | { readonly type: "mutationRefused"; readonly key: string }
  | { readonly type: "mutationLost"; readonly key: string }
  | { readonly type: "deleteAnswered"; readonly id: string; readonly state: State }
  | { readonly type: "timer"; readonly name: TimerName };

export type Effect =
  | { readonly type: "send"; readonly frame: ClientFrame }
  | {
      readonly type: "fetch";
      readonly ask: number;
      readonly generation: number;
      readonly range: Range;
      readonly minRevision: number;
      readonly etag: string | null;
    }
  | { readonly type: "abort"; readonly ask: number }
  /** Write to the server, under the Idempotency-Key `sendAs`. The outcome comes back under `key`. */
  | {
      readonly type: "mutate";
      readonly key: string;
      readonly sendAs: string;
      readonly id: string;
      readonly edit: Edit;
      readonly state: State | null;
    }
  | { readonly type: "startTimer"; readonly name: TimerName; readonly ms: number }
  | { readonly type: "stopTimer"; readonly name: TimerName }
  /** The picture of these items may have changed. */
  | { readonly type: "notify"; readonly ids: readonly string[] }
  /** Nothing of this calendar may be shown any more, not even an item that is held. */
  | { readonly type: "blank" }
  /**
   * A change set entered the store. `before` has its items as the store had them at `oldState`, without those that the
   * store did not know.
   */
  | { readonly type: "applied"; readonly change: ChangeSet; readonly before: readonly Item[] }
  /** The client may no longer see the calendar, and its items are gone. */
  | { readonly type: "gone"; readonly reason: GoneReason };

/** C3: how long a change set that is ahead of the cursor waits before the client asks for what is missing. */
export const GAP_MS = 250;
/** C5: how long a feed may still be ahead before the client asks again. */
export const ASK_AGAIN_MS = 1000;
/** C4: how long a subscribe on a living connection waits for its answer before it is sent again. */
export const ANSWER_MS = 15_000;
/** How many change sets may wait ahead of the cursor. The replay brings the others anyway. */
export const AHEAD_AT_MOST = 64;
/** How many change sets late the answer to a mutation may arrive and still be found in the chain (C8). */
export const CHAIN_AT_LEAST = 256;
/** Subscribe ids are `sequence * LANES + lane`. */
export const LANES = 4096;

/** Return a calendar that nobody has shown yet. `lane` must differ between the calendars of one socket. */
export function newCalendar(calendar: string, lane: number): CalendarState {
  return {
    calendar,
    lane,
    connected: false,
    gone: null,
    sequence: 0,
    errors: 0,
    shown: new Map(),
    lastAsk: 0,
    overlays: new Map(),
    retries: new Map(),
    retrying: new Set(),
    generation: 0,
    old: null,
    oldAccess: null,
    ...BLANK,
  };
}

/** The fields that a reset forgets, with the values that they have afterwards. */
export const BLANK = {
  cursor: null,
  access: null,
  chain: new Set<State>(),
  rows: Shelf.empty<Row>(),
  graves: new Map<string, number>(),
  part: null,
  group: [],
  ahead: [],
  pending: false,
  resetting: false,
  gapTimer: false,
  asks: new Map<string, Ask>(),
  etags: new Map<string, string>(),
} satisfies Partial<CalendarState>;
