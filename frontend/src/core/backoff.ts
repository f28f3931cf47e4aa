/** Full jitter: how long to wait before trying again. Randomness comes in; nothing is waited for here. */

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Half a second at first, then doubled, at most half a minute: a restarted server is found soon, a dead one is not hammered. */
export const RECONNECT: Backoff = { baseMs: 500, capMs: 30_000 };

/** Return random(0, min(cap, base * 2^attempt)), in milliseconds. `random` is in [0, 1), `attempt` counts from 0. */
export function fullJitterMs(backoff: Backoff, attempt: number, random: number): number {
  return Math.floor(random * Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt, 30)));
}
