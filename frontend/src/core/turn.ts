/** Holds one step of a calendar while `reduce` runs: the new state, and the effects so far. */
import { ASK_AGAIN, fullJitterMs } from "./backoff";
import { ANSWER_MS, type CalendarState, type Effect, type TimerName } from "./model";
import type { Rules } from "./rules";
import { subscribeId } from "./rules";

export class Turn {
  readonly effects: Effect[] = [];

  constructor(
    public state: CalendarState,
    readonly rules: Rules,
    private readonly random: number,
  ) {}

  set(patch: Partial<CalendarState>): void {
    this.state = { ...this.state, ...patch };
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
  }

  notify(ids: readonly string[]): void {
    if (ids.length > 0) this.emit({ type: "notify", ids });
  }

  startTimer(name: TimerName, ms: number): void {
    this.emit({ type: "startTimer", name, ms });
  }

  /** Return a random part of a duration, in milliseconds. */
  spread(ms: number): number {
    return Math.floor(this.random * ms);
  }

  backoffMs(attempt: number): number {
    return fullJitterMs(ASK_AGAIN, attempt, this.random);
  }

  /**
   * Subscribe to what follows the cursor, or from now on if there is no cursor. Do nothing while nothing may be asked.
   */
  subscribe(): void {
    const { calendar, connected, gone, resetting, shown } = this.state;
    if (!connected || gone !== null || resetting || shown.size === 0) return;
    this.set({ sequence: this.state.sequence + 1, pending: true, ahead: [] });
    const { cursor, access } = this.state;
    const known = cursor === null ? null : access;
    this.emit({
      type: "send",
      frame: { type: "subscribe", id: subscribeId(this.state), calendar, state: cursor, access: known },
    });
    this.startTimer("resubscribe", ANSWER_MS);
  }
}

/** Return a copy of a map with one more entry. */
export function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

/** Return a map without some keys; the same map if it has none of them. */
export function without<K, V>(map: ReadonlyMap<K, V>, keys: Iterable<K>): ReadonlyMap<K, V> {
  let copy: Map<K, V> | null = null;
  for (const key of keys) {
    if (!map.has(key)) continue;
    copy ??= new Map(map);
    copy.delete(key);
  }
  return copy ?? map;
}
