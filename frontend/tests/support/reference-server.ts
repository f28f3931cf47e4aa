/**
 * Provides a small server for one calendar and one socket that follows the server's rules. It is only for tests of the
 * client's rules.
 */

import type { FeedAnswer } from "../../src/core/model";
import { isInRange, type Range } from "../../src/core/range";
import type { ChangesFrame, ClientFrame, ServerFrame } from "../../src/protocol/frames";
import type { FullItem, Item, Visibility } from "../../src/protocol/item";
import { revisionOf, type State } from "../../src/protocol/state";
import { CALENDAR, item, onDay, state, uuid } from "./items";

type Snapshot = ReadonlyMap<string, FullItem>;

/** What a receiver may see; null if the receiver may not see the calendar. */
export type Rights = "full" | "shared" | "public" | "freebusy" | null;

/** The people and the parent of each item, of which not every receiver may know. */
const CLOSER = { parent: uuid(999), assignees: ["7"], createdBy: "7", updatedBy: "8" };
const NO_PEOPLE = { assignees: [], createdBy: null, updatedBy: null };

/**
 * What one transaction does to one item: it puts the item on a day, or deletes it (null). The visibility stays as it is
 * unless it is given.
 */
interface Written {
  readonly number: number;
  readonly day: number | null;
  readonly visibility?: Visibility | undefined;
}

/** A change set as the log keeps it: each item as it was and as it is. */
interface Entry {
  readonly oldState: State;
  readonly newState: State;
  readonly changed: readonly (readonly [before: FullItem | undefined, after: FullItem | undefined])[];
  /** In a replay: the state at which all sets up to this one are true again. */
  readonly until?: State | undefined;
}

/** Return what a receiver with these rights may see of an item; null if nothing. */
export function seenBy(rights: Rights, whole: FullItem | undefined): Item | null {
  if (rights === null || whole === undefined) return null;
  if (rights === "full") return whole;
  if (whole.visibility === "secret") return null;
  if (rights !== "freebusy" && whole.visibility === "normal") {
    return { ...whole, parent: null, ...(rights === "public" ? NO_PEOPLE : {}) };
  }
  const { id, calendar, state: at, start, end, allDay, timeZone, rrule, exdates } = whole;
  return { id, calendar, state: at, start, end, allDay, timeZone, rrule, exdates, busy: true };
}

/** What a client on requests was told, as the client repeats it with each request. */
export type Known = Readonly<Record<string, string>> | null;

export class ReferenceServer {
  /** Every state that ever was, of every history. */
  readonly snapshots = new Map<State, Snapshot>();
  /** The states of the history that counts. */
  readonly lineage = new Set<State>();
  /** What is on its way to the client. Each entry is the chunks of one change set, or one other frame. */
  readonly outbox: ServerFrame[][] = [];
  head = state(0);
  rights: Rights = "full";
  private accessVersion = 1;
  private nonce = 0;
  private log: Entry[] = [];
  private connected = false;
  private live = false;
  private swallows = false;

  constructor() {
    this.snapshots.set(this.head, new Map());
  }

  get access(): string {
    return `${this.rights}.${this.accessVersion}`;
  }

  get items(): Snapshot {
    return this.snapshots.get(this.head) ?? new Map();
  }

  private next(): State {
    this.nonce += 1;
    return state(revisionOf(this.head) + 1, this.nonce);
  }

  /** Run one transaction, which writes some items (on a day) or deletes them. */
  write(changes: readonly Written[]): State {
    const newState = this.next();
    const before = this.items;
    const after = new Map(before);
    for (const { number, day, visibility = after.get(uuid(number))?.visibility ?? "normal" } of changes) {
      if (day === null) after.delete(uuid(number));
      else after.set(uuid(number), item(number, newState, { ...onDay(day), ...CLOSER, visibility }));
    }
    const ids = new Set(changes.map(({ number }) => uuid(number)));
    const entry = {
      oldState: this.head,
      newState,
      changed: Array.from(ids, (id) => [before.get(id), after.get(id)] as const),
    };
    this.log.push(entry);
    this.head = newState;
    this.snapshots.set(newState, after);
    this.lineage.add(newState);
    if (this.live) this.outbox.push(chunks(entry, this.rights));
    return newState;
  }

  /** The state that was made under each key, as the log keeps it. */
  private readonly done = new Map<string, State>();

  /**
   * Take a request to change an item. It is done once for each key, only to the version that it names, and only for a
   * client that may edit. Return null for 403, 404 or 412.
   */
  mutate(key: string, number: number, day: number | null, expected: State | null): State | null {
    if (this.rights !== "full") return null;
    const first = this.doneAs(key);
    if (first !== null) return first;
    const now = this.items.get(uuid(number));
    if (now === undefined || (expected !== null && now.state !== expected)) return null;
    const made = this.write([{ number, day }]);
    this.done.set(key, made);
    return made;
  }

  /** Return the state that the request of a key made, in the history that counts. */
  doneAs(key: string): State | null {
    const made = this.done.get(key);
    return made !== undefined && this.lineage.has(made) ? made : null;
  }

  /** Restore the database from a copy that is some transactions old. */
  restore(back: number): void {
    if (this.log.length === 0) return;
    const kept = Math.max(0, this.log.length - back);
    const head = this.log[kept]?.oldState ?? this.head;
    this.log = this.log.slice(0, kept);
    this.head = head;
    for (const one of this.lineage) {
      if (revisionOf(one) > revisionOf(head)) this.lineage.delete(one);
    }
    this.resetSocket("diverged");
  }

  prune(): void {
    this.log = this.log.slice(-1);
  }

  /** Give the client another role, or none. It is told at once, and never gets an access token that it had before. */
  giveRights(rights: Rights): void {
    this.rights = rights;
    this.accessVersion += 1;
    if (!this.connected) return;
    if (rights === null) {
      this.live = false;
      this.outbox.push([{ type: "rights", calendar: CALENDAR, rights: null }]);
    } else {
      this.tellCalendar();
      this.resetSocket("rights");
    }
  }

  private tellCalendar(): void {
    const rights = String(this.rights);
    const calendar = { id: CALENDAR, name: "", color: "", timeZone: "UTC", role: "", rights, people: [] };
    this.outbox.push([{ type: "calendar", calendar }]);
  }

  private resetSocket(reason: "diverged" | "rights"): void {
    if (this.live) this.reset(reason);
  }

  private reset(reason: "diverged" | "rights" | "pruned"): void {
    this.live = false;
    this.outbox.push([{ type: "reset", calendar: CALENDAR, reason, spreadMs: 2000 }]);
  }

  connect(): void {
    this.connected = true;
    if (this.rights !== null) this.tellCalendar();
  }

  cut(): void {
    this.connected = this.live = this.swallows = false;
    this.outbox.length = 0;
  }

  beat(): void {
    if (this.live) this.outbox.push([{ type: "head", states: { [CALENDAR]: this.head } }]);
  }

  /** Lose the next frame of the client, whose socket lives on. */
  swallow(): void {
    this.swallows = true;
  }

  receive(frame: ClientFrame): void {
    if (this.swallows) {
      this.swallows = false;
      return;
    }
    if (frame.type === "unsubscribe") this.live = false;
    if (frame.type !== "subscribe") return;
    if (this.rights === null) {
      this.live = false;
      this.outbox.push([{ type: "error", id: frame.id, code: "forbidden" }]);
      return;
    }
    const missed = frame.state === null ? [] : this.since(frame.state);
    if (missed === null) return this.reset("pruned");
    if (frame.access !== null && frame.access !== this.access) return this.reset("rights");
    for (const entry of asNow(missed, this.rights)) this.outbox.push(chunks(entry, this.rights));
    this.outbox.push([{ type: "subscribed", id: frame.id, calendar: CALENDAR, state: this.head, access: this.access }]);
    this.live = true;
  }

  /** Answer a turn of the long-poll, which is like a short-lived socket beside the one that may be open. */
  turn(known: Known, subscribes: readonly ClientFrame[]): { readonly known: Known; readonly frames: ServerFrame[] } {
    const { live } = this;
    const before = this.outbox.splice(0);
    const now: Known = this.rights === null ? {} : { [CALENDAR]: this.access };
    if (this.rights !== null && known?.[CALENDAR] !== this.access) this.tellCalendar();
    if (this.rights === null && known?.[CALENDAR])
      this.outbox.push([{ type: "rights", calendar: CALENDAR, rights: null }]);
    for (const frame of subscribes) this.receive(frame);
    const frames = this.outbox.splice(0).flat();
    this.outbox.push(...before);
    this.live = live;
    return { known: now, frames };
  }

  private since(from: State): readonly Entry[] | null {
    if (from === this.head) return [];
    const at = this.log.findIndex((entry) => entry.oldState === from);
    return at < 0 ? null : this.log.slice(at);
  }

  /**
   * Return a feed no older than `minRevision`, at one of the states for which it may be true. Return 404 if the
   * receiver may not see the calendar, and null if `minRevision` is not reached yet.
   */
  feed(range: Range, minRevision: number, etag: string | null, pick: number): FeedAnswer | 404 | null {
    if (this.rights === null) return 404;
    const states = [...this.log.map((entry) => entry.newState), this.head].filter(
      (one) => revisionOf(one) >= minRevision,
    );
    const at = states[pick % Math.max(1, states.length)];
    if (at === undefined) return null;
    const tag = `"${at}/${this.access}"`;
    const rows = etag === tag ? null : this.inRange(at, range);
    return { state: at, access: this.access, etag: tag, rows };
  }

  /** Return what a receiver may see of a range, with the current rights unless others are given. */
  inRange(at: State, range: Range, rights: Rights = this.rights): Item[] {
    const seen = Array.from(this.snapshots.get(at)?.values() ?? [], (whole) => seenBy(rights, whole));
    return seen.filter((one) => one !== null).filter((one) => isInRange(one, range));
  }
}

/**
 * Return the change sets of a replay. Each item is only in the last set that names it, and sets that are only true
 * together are marked with `until`.
 */
function asNow(entries: readonly Entry[], rights: Rights): Entry[] {
  const named = entries.map(({ changed }) => changed.map(([before, after]) => (before ?? after)?.id));
  const last = (id: string | undefined): number =>
    named.reduce((at, ids, index) => (ids.includes(id) ? index : at), -1);
  return entries.map((entry, index) => {
    let end = index;
    for (let at = 0; at <= end; at += 1) end = Math.max(end, ...(named[at] ?? []).map(last));
    const changed = entry.changed
      .filter((_, place) => last(named[index]?.[place]) === index)
      .map(([before, after]) => [shown(entries, (before ?? after)?.id, rights) ?? before, after] as const);
    return { ...entry, changed, until: end === index ? undefined : entries[end]?.newState };
  });
}

/** Return an item as it once was, within some change sets, when the receiver could see something of it. */
function shown(entries: readonly Entry[], id: string | undefined, rights: Rights): FullItem | undefined {
  const versions = entries.flatMap(({ changed }) => changed.flat());
  return versions.find((one) => one?.id === id && seenBy(rights, one) !== null);
}

// An item that the receiver can no longer see is sent as destroyed. About an item that they never could see, nothing is
// sent.
function chunks({ oldState, newState, changed, until }: Entry, rights: Rights): ChangesFrame[] {
  const upserted = changed.map(([, after]) => seenBy(rights, after)).filter((one) => one !== null);
  const gone = changed.filter(([before, after]) => seenBy(rights, after) === null && seenBy(rights, before) !== null);
  const destroyed = gone.map(([before]) => before?.id ?? "");
  const told = { type: "changes", calendar: CALENDAR, oldState, newState, actor: null, mutationId: null } as const;
  const base = until === undefined ? told : { ...told, until };
  if (upserted.length + destroyed.length < 2) return [{ ...base, more: false, upserted, destroyed }];
  const first = upserted.slice(0, 1);
  return [
    { ...base, more: true, upserted: first, destroyed: [] },
    { ...base, more: false, upserted: upserted.slice(1), destroyed },
  ];
}
