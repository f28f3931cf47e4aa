/**
 * Joins a client's calendar and the reference server by a hostile network, and checks the invariants after every step.
 */
import {
  type CalendarState,
  type Effect,
  type FeedFailure,
  type Input,
  newCalendar,
  type TimerName,
} from "../../src/core/model";
import { lookUp, picture, stored } from "../../src/core/picture";
import { isInRange, type Range } from "../../src/core/range";
import type { Reduce } from "../../src/core/reduce";
import type { HeadFrame, ServerFrame } from "../../src/protocol/frames";
import { isBusy } from "../../src/protocol/item";
import { revisionOf, type State } from "../../src/protocol/state";
import { CALENDAR, days, onDay, uuid } from "./items";
import { ReferenceServer, type Rights, seenBy } from "./reference-server";

type Fetch = Extract<Effect, { type: "fetch" }>;
type Write = Extract<Effect, { type: "mutate" }>;

/** An edit that this page made. `day` is null for a deletion. */
interface Made {
  readonly number: number;
  readonly day: number | null;
  readonly sentAs: Set<string>;
  answered: State | null;
}

const RANGES: readonly Range[] = [days(0, 3), days(2, 6), days(0, 6)];
const VIEWERS = ["month", "week"];

export class World {
  readonly server = new ReferenceServer();
  state: CalendarState = newCalendar(CALENDAR, 0);
  private connected = false;
  private readonly timers = new Set<TimerName>();
  private asks: Fetch[] = [];
  private answers: { readonly ask: number; readonly input: Input }[] = [];
  /**
   * The last removal of each item that was shown, and the access at that time: a client that may see more now sees the
   * item again.
   */
  private readonly removed = new Map<string, { readonly at: State; readonly access: string | null }>();
  /** The rights of which the page was last told. */
  private told: Rights = "full";
  private readonly made = new Map<string, Made>();
  private writes: Write[] = [];
  private outcomes: { readonly key: string; readonly state: State | null; readonly mayNot: boolean }[] = [];

  constructor(private readonly reduce: Reduce) {}

  private take(input: Input): void {
    const before = this.state;
    const { state, effects } = this.reduce(before, input, 0.5);
    this.state = state;
    if (state.access !== null) this.told = rightsOf(state.access);
    for (const effect of effects) this.run(effect);
    this.check();
  }

  private run(effect: Effect): void {
    if (effect.type === "send" && this.connected) this.server.receive(effect.frame);
    if (effect.type === "fetch") this.asks.push(effect);
    if (effect.type === "mutate") {
      this.made.get(effect.key)?.sentAs.add(effect.sendAs);
      this.writes.push(effect);
    }
    if (effect.type === "startTimer") this.timers.add(effect.name);
    if (effect.type === "stopTimer") this.timers.delete(effect.name);
    if (effect.type === "applied") {
      for (const id of effect.change.destroyed) this.remove(id, effect.change.newState);
    }
  }

  private remove(id: string, at: State): void {
    this.removed.set(id, { at, access: this.state.access });
  }

  // The hostile steps.

  connect(): void {
    if (this.connected) return;
    this.connected = true;
    this.server.connect();
    this.take({ type: "opened" });
  }

  cut(): void {
    if (!this.connected) return;
    this.connected = false;
    this.server.cut();
    this.take({ type: "closed" });
  }

  /** Cut the connection in the middle of a change set, after its first chunk has arrived. */
  cutWithin(): void {
    const first = this.server.outbox[0];
    if (first !== undefined && first.length > 1 && first[0] !== undefined) this.arrive(first[0]);
    this.cut();
  }

  deliver(): void {
    const frames = this.server.outbox.shift();
    for (const frame of frames ?? []) this.arrive(frame);
  }

  lose(): void {
    const at = this.server.outbox.findIndex((frames) => frames[0]?.type === "changes");
    if (at >= 0) this.server.outbox.splice(at, 1);
  }

  duplicate(): void {
    const first = this.server.outbox[0];
    if (first !== undefined) this.server.outbox.splice(1, 0, first);
  }

  reorder(): void {
    const [first, second] = this.server.outbox;
    if (first === undefined || second === undefined) return;
    // A broker may change the order of change sets. What a process itself says about rights stays in order on a socket.
    if ([first, second].some(([frame]) => frame?.type === "rights" || frame?.type === "calendar")) return;
    this.server.outbox.splice(0, 2, second, first);
  }

  private arrive(frame: ServerFrame): void {
    if (frame.type === "subscribed") this.take({ type: "subscribed", frame });
    if (frame.type === "changes") this.take({ type: "changes", frame });
    if (frame.type === "reset") this.take({ type: "reset", frame });
    if (frame.type === "error") this.take({ type: "error", frame });
    if (frame.type === "calendar") this.take({ type: "granted" });
    if (frame.type === "head") this.headArrives(frame);
    if (frame.type === "rights") this.take({ type: "withdrawn" });
    const ends = frame.type === "rights" || (frame.type === "reset" && frame.reason === "rights");
    if (ends && [...picture(this.state)].length > 0) throw new Error("what rights have ended for is still shown");
  }

  private headArrives({ states }: HeadFrame): void {
    const head = states[CALENDAR];
    if (head !== undefined) this.take({ type: "head", state: head });
  }

  /** Let the server read its answer to a feed now. The answer arrives later. */
  serve(pick: number, which: number): void {
    const [ask] = this.asks.splice(pick % Math.max(1, this.asks.length), 1);
    if (ask === undefined) return;
    const answer = this.server.feed(ask.range, ask.minRevision, ask.etag, which);
    const failed = (failure: FeedFailure): Input => ({ type: "feedFailed", ask: ask.ask, failure });
    const input: Input =
      answer === null
        ? failed({ kind: "retry", afterMs: 1000 })
        : answer === 404
          ? failed({ kind: "gone", reason: "not_found" })
          : { type: "feed", ask: ask.ask, answer };
    this.answers.push({ ask: ask.ask, input });
  }

  failFeed(): void {
    const ask = this.asks.shift();
    if (ask) this.take({ type: "feedFailed", ask: ask.ask, failure: { kind: "retry", afterMs: null } });
  }

  answer(pick: number): void {
    const [answer] = this.answers.splice(pick % Math.max(1, this.answers.length), 1);
    if (answer !== undefined) this.take(answer.input);
  }

  show(viewer: number, range: number, again: boolean): void {
    const at = RANGES[range % RANGES.length];
    if (at !== undefined) this.take({ type: "show", viewer: VIEWERS[viewer % 2] ?? "", range: at, again });
  }

  hide(viewer: number): void {
    this.take({ type: "hide", viewer: VIEWERS[viewer % 2] ?? "" });
  }

  fire(pick: number): void {
    const name = [...this.timers][pick % Math.max(1, this.timers.size)];
    if (name === undefined) return;
    this.timers.delete(name);
    this.take({ type: "timer", name });
  }

  /** Delete an item on this page. The server has answered, and the frames are still under way. */
  deleteHere(number: number): void {
    const id = uuid(number);
    if (this.server.rights !== "full" || !this.server.items.has(id)) return;
    const at = this.server.write([{ number, day: null }]);
    this.remove(id, at);
    this.take({ type: "deleteAnswered", id, state: at });
  }

  /** Move an item to another day on this page, or delete it (null). Throws if this does not show at once. */
  edit(number: number, day: number | null): void {
    const id = uuid(number);
    const now = lookUp(this.state, id);
    if (now === undefined || isBusy(now)) return;
    const key = `key ${this.made.size}`;
    this.made.set(key, { number, day, sentAs: new Set(), answered: null });
    const edit = day === null ? ({ type: "delete" } as const) : ({ type: "patch", changes: onDay(day) } as const);
    this.take({ type: "mutate", key, id, edit, state: now.state });
    const seen = lookUp(this.state, id);
    if (day === null ? seen !== undefined : seen?.start !== onDay(day).start) throw new Error(`${key} is not shown`);
  }

  /** Let a request reach the server, perhaps twice. Its answer is under way. */
  reach(pick: number, twice = false): void {
    const [write] = this.writes.splice(pick % Math.max(1, this.writes.length), 1);
    if (write === undefined) return;
    if (twice) this.perform(write);
    this.outcomes.push({ key: write.key, state: this.perform(write), mayNot: this.server.rights !== "full" });
  }

  private perform({ key, sendAs, state }: Write): State | null {
    const made = this.made.get(key);
    return made === undefined ? null : this.server.mutate(sendAs, made.number, made.day, state);
  }

  /** Lose a request before the server has it. */
  loseWrite(pick: number): void {
    const [write] = this.writes.splice(pick % Math.max(1, this.writes.length), 1);
    if (write !== undefined) this.take({ type: "mutationLost", key: write.key });
  }

  /** Lose the answer to a request that the server has carried out (or refused). */
  loseOutcome(pick: number): void {
    const [outcome] = this.outcomes.splice(pick % Math.max(1, this.outcomes.length), 1);
    if (outcome !== undefined) this.take({ type: "mutationLost", key: outcome.key });
  }

  outcome(pick: number): void {
    const [outcome] = this.outcomes.splice(pick % Math.max(1, this.outcomes.length), 1);
    const made = outcome && this.made.get(outcome.key);
    if (outcome === undefined || made === undefined) return;
    const { key, state, mayNot } = outcome;
    if (state === null) {
      // C8: an edit that was made must never be called refused, except to a client that may no longer ask.
      for (const sentAs of made.sentAs) {
        if (!mayNot && this.server.doneAs(sentAs) !== null) throw new Error(`${key} was done and is refused`);
      }
      return this.take({ type: "mutationRefused", key });
    }
    made.answered = state;
    if (made.day === null) this.remove(uuid(made.number), state);
    this.take({ type: "mutationAnswered", key, state });
  }

  // What must hold.

  private check(): void {
    this.checkRights();
    this.checkStore();
    this.checkRemovals();
    this.checkAnswered();
  }

  /** Invariant 7: nothing is shown beyond the rights of which the page was last told. */
  private checkRights(): void {
    for (const item of picture(this.state)) {
      const allowed = isBusy(item) ? item : seenBy(this.told, item);
      if (JSON.stringify(allowed) !== JSON.stringify(item))
        throw new Error(`${item.id} is more than ${this.told} may see`);
    }
  }

  /** C8: an answered edit shows until the store has passed it. From then on, the store is right. */
  private checkAnswered(): void {
    const { cursor, rows } = this.state;
    for (const [key, { number, day, answered }] of this.made) {
      if (answered === null || day === null || !this.server.lineage.has(answered)) continue; // deletes: checkRemovals
      const id = uuid(number);
      const known = stored(this.state, id);
      if (known === undefined || revisionOf(known.state) >= revisionOf(answered)) continue;
      if (cursor !== null && rows.has(id) && revisionOf(cursor) >= revisionOf(answered)) continue;
      const removed = this.removed.get(id)?.at;
      // A later deletion lies over it. A deletion of a lost history does so until the reset is over.
      if (removed !== undefined && revisionOf(removed) > revisionOf(answered)) continue;
      if (removed !== undefined && !this.server.lineage.has(removed)) continue;
      if ([...this.made.values()].some((one) => one.number === number && this.isLater(one, answered))) continue;
      if (lookUp(this.state, id)?.start !== onDay(day).start) throw new Error(`${key} was answered and is not seen`);
    }
  }

  /** Tell whether another edit of the same item lies over an answered one, or came after it. */
  private isLater({ answered }: Made, than: State): boolean {
    return answered === null || revisionOf(answered) > revisionOf(than);
  }

  /** Invariants 3 and 8: every known item is as it was at the cursor, and of an answered range every item is known. */
  private checkStore(): void {
    const { cursor, access, rows, shown } = this.state;
    if (cursor === null || access === null) return;
    const rights = rightsOf(access);
    const truth = this.server.snapshots.get(cursor);
    for (const [id, row] of rows) {
      const due = seenBy(rights, truth?.get(id));
      if (JSON.stringify(due) !== JSON.stringify(row.item)) throw new Error(`${id} is not what it was at ${cursor}`);
    }
    for (const { range, settled } of shown.values()) {
      if (!settled) continue;
      for (const item of this.server.inRange(cursor, range, rights)) {
        if (!rows.has(item.id)) throw new Error(`${item.id} is missing at ${cursor}`);
      }
    }
  }

  /** Invariant 4: an item that was removed at r comes back only by a change above r. */
  private checkRemovals(): void {
    for (const [id, { at, access }] of this.removed) {
      const item = lookUp(this.state, id);
      if (item === undefined || !this.server.lineage.has(at)) continue; // of a history that no longer counts
      // it was hidden from other rights
      if (this.server.snapshots.get(at)?.has(id) && access !== this.state.access) continue;
      if (revisionOf(item.state) <= revisionOf(at)) throw new Error(`${id} came back (removed at ${at})`);
    }
  }

  /** Invariants 5 and 6: once writes have stopped and everything arrives, the picture must equal a fresh feed. */
  settle(): void {
    if (this.state.shown.size === 0) this.show(0, 0, false);
    for (let round = 0; round < 60; round += 1) {
      this.connect();
      while (this.server.outbox.length > 0) this.deliver();
      while (this.asks.length > 0) this.serve(0, 999_983);
      while (this.answers.length > 0) this.answer(0);
      while (this.writes.length > 0) this.reach(0);
      while (this.outcomes.length > 0) this.outcome(0);
      for (const name of [...this.timers]) {
        this.timers.delete(name);
        this.take({ type: "timer", name });
      }
      this.server.beat();
      if (this.isSettled()) return;
    }
    throw new Error("never settles");
  }

  private isSettled(): boolean {
    if (this.server.outbox.some((frames) => frames[0]?.type !== "head")) return false;
    if (this.writes.length + this.outcomes.length > 0) return false;
    if (this.server.rights === null) return this.state.gone !== null && [...picture(this.state)].length === 0;
    const ranges = [...this.state.shown.values()];
    return (
      this.state.overlays.size === 0 && ranges.every(({ range, settled }) => settled && this.equalsFreshFeed(range))
    );
  }

  private equalsFreshFeed(range: Range): boolean {
    const shown = [...picture(this.state)].filter((item) => isInRange(item, range)).map((item) => JSON.stringify(item));
    const fresh = this.server.inRange(this.server.head, range).map((item) => JSON.stringify(item));
    return shown.sort().join() === fresh.sort().join();
  }
}

function rightsOf(access: string): Rights {
  return access.slice(0, access.indexOf(".")) as Rights; // the server's own word
}
