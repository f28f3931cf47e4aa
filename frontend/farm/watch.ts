/** Checks the invariants that one client's picture of one calendar must keep. */
import type { ChangedEvent } from "../src/client/screen/events";
import type { CalendarState } from "../src/core/model";
import type { ResetReason } from "../src/protocol/frames";
import type { Item } from "../src/protocol/item";
import { revisionOf, type State } from "../src/protocol/state";

export type Complain = (rule: string, detail: string) => void;

/** The states of a calendar, by revision. One history has one state for each revision. */
export type History = Map<number, State>;

export class CalendarWatch {
  checks = 0;
  private generation = 0;
  private cursor: State | null = null;
  private applied: number | null = null;
  private access: string | null = null;
  /** Whether no cursor has been seen in this generation yet. */
  private isNew = true;
  private diverged = false;
  /** The picture still has items of another history, until every range is answered (C7). */
  private mixed = false;
  /** The history of this generation. */
  private history: History = new Map();
  private readonly shown = new Map<string, number>();
  /** An item that was removed may come back only above this revision. */
  private readonly floors = new Map<string, number>();

  constructor(
    /** The one history of all clients; null if histories may change. */
    private readonly common: History | null,
    private readonly complain: Complain,
  ) {}

  resetReceived(reason: ResetReason): void {
    if (reason === "diverged") this.diverged = true;
  }

  /** Check that a change set that entered the store follows on the last one. */
  changed({ state, destroyed }: ChangedEvent, now: CalendarState): void {
    if (now.generation !== this.generation) this.begin(now);
    const revision = revisionOf(state);
    if (this.applied !== null && revision !== this.applied + 1) {
      this.complain("1: no revision is passed over", `${state} follows upon revision ${this.applied}`);
    }
    this.applied = revision;
    this.know(state);
    for (const id of destroyed) this.floors.set(id, revision);
  }

  /** Check the cursor and these items of the picture. `item` returns an item as it is shown. */
  check(now: CalendarState, ids: Iterable<string>, item: (id: string) => Item | undefined): void {
    this.checks += 1;
    const isNew = now.generation !== this.generation;
    if (isNew) this.begin(now);
    this.checkCursor(now);
    if (this.mixed && now.old !== null) return;
    this.mixed = false;
    for (const id of ids) this.checkItem(id, item(id), now, isNew);
  }

  /**
   * Check that nothing is shown of a calendar that the client may no longer see. `left` is the number of items that
   * are.
   */
  gone(left: number): void {
    this.checks += 1;
    if (left > 0) this.complain("7: nothing of a withdrawn calendar is shown", `${left} items`);
    this.shown.clear();
  }

  private begin(now: CalendarState): void {
    if (now.generation < this.generation) this.complain("C5: generations never go back", `${now.generation}`);
    this.generation = now.generation;
    this.applied = null;
    this.isNew = true;
    this.history = new Map();
    if (!this.diverged) return;
    this.diverged = false;
    this.mixed = true;
    this.cursor = null;
    this.shown.clear();
    this.floors.clear();
  }

  private checkCursor(now: CalendarState): void {
    if (now.cursor === null) return;
    if (this.cursor !== null && revisionOf(now.cursor) < revisionOf(this.cursor)) {
      this.complain("C3: the cursor never goes back", `from ${this.cursor} to ${now.cursor}`);
    }
    if (this.access !== null && now.access !== this.access) {
      if (!this.isNew) this.complain("S5: one access per generation", `from ${this.access} to ${now.access}`);
      this.floors.clear(); // what was hidden from this client may be visible to it now
    }
    this.isNew = false;
    this.know(now.cursor);
    this.cursor = now.cursor;
    this.access = now.access;
    this.applied = revisionOf(now.cursor);
  }

  private checkItem(id: string, item: Item | undefined, now: CalendarState, isNew: boolean): void {
    const before = this.shown.get(id);
    if (item === undefined) {
      this.shown.delete(id);
      // A reset for `rights` drops the whole picture, which is not a removal.
      if (before !== undefined && !isNew && now.gone === null) this.raise(id, before);
      return;
    }
    const revision = revisionOf(item.state);
    const floor = this.floors.get(id);
    if (before === undefined && floor !== undefined && revision <= floor) {
      this.complain("4: what was removed does not come back", `${id} at ${item.state}, removed at revision ${floor}`);
    }
    if (before !== undefined && revision < before) {
      this.complain("4: no item goes back", `${id} from revision ${before} to ${item.state}`);
    }
    if (now.rows.get(id) !== undefined) this.know(item.state);
    this.checkRights(item, now);
    this.shown.set(id, revision);
    this.floors.delete(id);
  }

  private checkRights(item: Item, { access }: CalendarState): void {
    if ("busy" in item || access === null || access.startsWith("full.")) return;
    const isOpen = access.startsWith("shared.") && "visibility" in item && item.visibility === "normal";
    if (!isOpen) this.complain("7: nothing beyond one's rights", `${item.id} is not a busy block for ${access}`);
  }

  private raise(id: string, revision: number): void {
    this.floors.set(id, Math.max(revision, this.floors.get(id) ?? 0));
  }

  private know(state: State): void {
    for (const history of this.common === null ? [this.history] : [this.history, this.common]) {
      const known = history.get(revisionOf(state));
      if (known === undefined) history.set(revisionOf(state), state);
      else if (known !== state) this.complain("6: no two histories in one picture", `${known} and ${state}`);
    }
  }
}
