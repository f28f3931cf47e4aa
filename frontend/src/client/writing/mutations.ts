/** Sends the optimistic edits of one calendar (C8), and returns each outcome to its caller. */
import type { Edit, Effect } from "../../core/model";
import type { ItemKey } from "../../protocol/item";
import type { State } from "../../protocol/state";
import { type Call, isLost, type Result } from "../api/http";
import { deleteItem, patchItem, type Written } from "../api/items";
import type { CalendarRunner } from "../sync/calendar-runner";

type Outcome = Result<Written>;

/** What the writing of items reports. */
export interface MutationListener {
  /** A write had no answer and is being repeated. */
  lost(key: ItemKey): void;
  /** A lost write has an answer now. */
  found(): void;
}

export class Mutations {
  private readonly waiting = new Map<string, (outcome: Outcome) => void>();
  private readonly unsaved = new Set<string>();

  constructor(
    private readonly runner: CalendarRunner,
    private readonly call: Call,
    private readonly listener: MutationListener,
  ) {
    runner.onMutate = (effect) => void this.send(effect);
  }

  /** Tells whether a write has lost its answer and is being repeated. */
  get isUnsaved(): boolean {
    return this.unsaved.size > 0;
  }

  /** Show an edit at once, send it in its turn, and return what the server answers in the end (C8). */
  mutate(id: string, edit: Edit, state: State | null, key: string): Promise<Outcome> {
    const outcome = new Promise<Outcome>((resolve) => this.waiting.set(key, resolve));
    this.runner.take({ type: "mutate", key, id, edit, state });
    return outcome;
  }

  private async send(effect: Extract<Effect, { type: "mutate" }>): Promise<void> {
    const { key, id } = effect;
    const outcome = await this.write(effect);
    if (!outcome.ok && isLost(outcome.error)) {
      this.runner.take({ type: "mutationLost", key });
      this.unsaved.add(key);
      return this.listener.lost({ calendar: this.runner.calendar, id });
    }
    if (outcome.ok && outcome.value.state !== null) {
      this.runner.take({ type: "mutationAnswered", key, state: outcome.value.state });
      return this.settle(key, outcome);
    }
    this.runner.take({ type: "mutationRefused", key });
    this.settle(key, outcome);
    // The edits that were based on it are refused with it.
    for (const other of [...this.waiting.keys()]) if (!this.isWaiting(other)) this.settle(other, outcome);
  }

  private write({ sendAs, id, edit, state }: Extract<Effect, { type: "mutate" }>): Promise<Outcome> {
    const key = { calendar: this.runner.calendar, id };
    const match = state === null ? {} : { state };
    if (edit.type === "patch") return patchItem(this.call, key, edit.changes, { ...match, mutationId: sendAs });
    const { children } = edit;
    const options = { ...match, ...(children === undefined ? {} : { children }), mutationId: sendAs };
    return deleteItem(this.call, key, options).then((result) =>
      result.ok ? { ok: true, value: { item: null, state: result.value.state } } : result,
    );
  }

  /** Tells whether an edit is still in the overlay without an answer. */
  private isWaiting(key: string): boolean {
    for (const list of this.runner.state.overlays.values()) {
      if (list.some((one) => one.key === key && one.answered === null)) return true;
    }
    return false;
  }

  private settle(key: string, outcome: Outcome): void {
    const resolve = this.waiting.get(key);
    this.waiting.delete(key);
    if (this.unsaved.delete(key)) this.listener.found();
    resolve?.(outcome);
  }
}
