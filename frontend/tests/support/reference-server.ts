/** A small server for one calendar and one socket, by the server's rules: for tests of the client's rules only. */

import type { FeedAnswer } from "../../src/core/model";
import { isInRange, type Range } from "../../src/core/range";
import type { ChangesFrame, ClientFrame, ServerFrame } from "../../src/protocol/frames";
import type { Item } from "../../src/protocol/item";
import { revisionOf, type State } from "../../src/protocol/state";
import { CALENDAR, item, onDay, state, uuid } from "./items";

type Snapshot = ReadonlyMap<string, Item>;

interface Entry {
  readonly oldState: State;
  readonly newState: State;
  readonly upserted: readonly Item[];
  readonly destroyed: readonly string[];
}

export class ReferenceServer {
  /** Every state that ever was, of every history. */
  readonly snapshots = new Map<State, Snapshot>();
  /** The states of the history that counts. */
  readonly lineage = new Set<State>();
  /** To the client: each entry is one change set's chunks, or one other frame. */
  readonly outbox: ServerFrame[][] = [];
  head = state(0);
  accessVersion = 1;
  private nonce = 0;
  private log: Entry[] = [];
  private live = false;

  constructor() {
    this.snapshots.set(this.head, new Map());
  }

  get access(): string {
    return `full.${this.accessVersion}`;
  }

  get items(): Snapshot {
    return this.snapshots.get(this.head) ?? new Map();
  }

  private next(): State {
    this.nonce += 1;
    return state(revisionOf(this.head) + 1, this.nonce);
  }

  /** One transaction: some items written (on a day) or deleted. */
  write(changes: readonly { readonly number: number; readonly day: number | null }[]): State {
    const newState = this.next();
    const after = new Map(this.items);
    const upserted: Item[] = [];
    const destroyed: string[] = [];
    for (const { number, day } of changes) {
      const id = uuid(number);
      if (day === null) {
        if (after.delete(id)) destroyed.push(id);
      } else {
        const written = item(number, newState, onDay(day));
        after.set(id, written);
        upserted.push(written);
      }
    }
    const entry = { oldState: this.head, newState, upserted, destroyed };
    this.log.push(entry);
    this.head = newState;
    this.snapshots.set(newState, after);
    this.lineage.add(newState);
    if (this.live) this.outbox.push(chunks(entry));
    return newState;
  }

  /** What was done under each key, as the log keeps it. */
  private readonly done = new Map<string, State>();

  /** A request to change an item: done once per key, and only to the version it names. Null: 412. */
  mutate(key: string, number: number, day: number | null, expected: State | null): State | null {
    const first = this.doneAs(key);
    if (first !== null) return first;
    const now = this.items.get(uuid(number));
    if (now === undefined || (expected !== null && now.state !== expected)) return null;
    const made = this.write([{ number, day }]);
    this.done.set(key, made);
    return made;
  }

  /** The state a key's request made, in the history that counts. */
  doneAs(key: string): State | null {
    const made = this.done.get(key);
    return made !== undefined && this.lineage.has(made) ? made : null;
  }

  /** The database is put back from a copy that is some transactions old. */
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

  flipRights(): void {
    this.accessVersion += 1;
    this.resetSocket("rights");
  }

  private resetSocket(reason: "diverged" | "rights"): void {
    if (this.live) this.reset(reason);
  }

  private reset(reason: "diverged" | "rights" | "pruned"): void {
    this.live = false;
    this.outbox.push([{ type: "reset", calendar: CALENDAR, reason, spreadMs: 2000 }]);
  }

  cut(): void {
    this.live = false;
    this.outbox.length = 0;
  }

  beat(): void {
    if (this.live) this.outbox.push([{ type: "head", states: { [CALENDAR]: this.head } }]);
  }

  receive(frame: ClientFrame): void {
    if (frame.type === "unsubscribe") this.live = false;
    if (frame.type !== "subscribe") return;
    const missed = frame.state === null ? [] : this.since(frame.state);
    if (missed === null) return this.reset("pruned");
    if (frame.access !== null && frame.access !== this.access) return this.reset("rights");
    for (const entry of missed) this.outbox.push(chunks(entry));
    this.outbox.push([{ type: "subscribed", id: frame.id, calendar: CALENDAR, state: this.head, access: this.access }]);
    this.live = true;
  }

  /** Answer subscribes as a turn of the long-poll: a short-lived socket beside the one there may be. */
  turn(frames: readonly ClientFrame[]): readonly ServerFrame[] {
    const { live } = this;
    const before = this.outbox.splice(0);
    for (const frame of frames) this.receive(frame);
    const answer = this.outbox.splice(0).flat();
    this.outbox.push(...before);
    this.live = live;
    return answer;
  }

  private since(from: State): readonly Entry[] | null {
    if (from === this.head) return [];
    const at = this.log.findIndex((entry) => entry.oldState === from);
    return at < 0 ? null : this.log.slice(at);
  }

  /** Return a feed no older than `minRevision`, at one of the states it may be true for; null: not yet. */
  feed(range: Range, minRevision: number, etag: string | null, pick: number): FeedAnswer | null {
    const states = [...this.log.map((entry) => entry.newState), this.head].filter(
      (one) => revisionOf(one) >= minRevision,
    );
    const at = states[pick % Math.max(1, states.length)];
    if (at === undefined) return null;
    const tag = `"${at}/${this.access}"`;
    const rows = etag === tag ? null : this.inRange(at, range);
    return { state: at, access: this.access, etag: tag, rows };
  }

  inRange(at: State, range: Range): Item[] {
    return [...(this.snapshots.get(at)?.values() ?? [])].filter((one) => isInRange(one, range));
  }
}

function chunks({ oldState, newState, upserted, destroyed }: Entry): ChangesFrame[] {
  const base = { type: "changes", calendar: CALENDAR, oldState, newState, actor: null, mutationId: null } as const;
  if (upserted.length + destroyed.length < 2) return [{ ...base, more: false, upserted, destroyed }];
  const first = upserted.slice(0, 1);
  return [
    { ...base, more: true, upserted: first, destroyed: [] },
    { ...base, more: false, upserted: upserted.slice(1), destroyed },
  ];
}
