/** Sends optimistic edits (C8) and hands each outcome to whoever waits for it. Never decides what is sent when: core does. */
import type { Effect, Input } from "../../core/model";
import { type Call, isLost, type Result } from "../api/http";
import { deleteItem, patchItem, type Written } from "../api/items";

type Outcome = Result<Written>;

interface Runner {
  take(input: Input): void;
  /** Whether an edit still has its place in the overlay, unanswered. */
  isWaiting(key: string): boolean;
  lost(id: string): void;
  /** An answer came after all. */
  found(): void;
}

export class Mutations {
  private readonly waiting = new Map<string, (outcome: Outcome) => void>();
  private readonly unsaved = new Set<string>();

  constructor(
    private readonly calendar: string,
    private readonly call: Call,
    private readonly runner: Runner,
  ) {}

  /** Whether an answer was lost and has not come since. */
  get isUnsaved(): boolean {
    return this.unsaved.size > 0;
  }

  expect(key: string): Promise<Outcome> {
    return new Promise((resolve) => this.waiting.set(key, resolve));
  }

  async send(effect: Extract<Effect, { type: "mutate" }>): Promise<void> {
    const { key, id } = effect;
    const outcome = await this.write(effect);
    if (!outcome.ok && isLost(outcome.error)) {
      this.runner.take({ type: "mutationLost", key });
      this.unsaved.add(key);
      return this.runner.lost(id);
    }
    if (outcome.ok && outcome.value.state !== null) {
      this.runner.take({ type: "mutationAnswered", key, state: outcome.value.state });
      return this.settle(key, outcome);
    }
    this.runner.take({ type: "mutationRefused", key });
    this.settle(key, outcome);
    // What was built on it went with it.
    for (const other of [...this.waiting.keys()]) if (!this.runner.isWaiting(other)) this.settle(other, outcome);
  }

  private write({ sendAs, id, edit, state }: Extract<Effect, { type: "mutate" }>): Promise<Outcome> {
    const key = { calendar: this.calendar, id };
    const match = state === null ? {} : { state };
    if (edit.type === "patch") return patchItem(this.call, key, edit.changes, { ...match, mutationId: sendAs });
    const { children } = edit;
    const options = { ...match, ...(children === undefined ? {} : { children }), mutationId: sendAs };
    return deleteItem(this.call, key, options).then((result) =>
      result.ok ? { ok: true, value: { item: null, state: result.value.state } } : result,
    );
  }

  private settle(key: string, outcome: Outcome): void {
    const resolve = this.waiting.get(key);
    this.waiting.delete(key);
    if (this.unsaved.delete(key)) this.runner.found();
    resolve?.(outcome);
  }
}
