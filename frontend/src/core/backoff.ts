/** Computes how long to wait before another try, with full jitter. */

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * The wait before a socket is opened again: up to half a second at first, then doubled, at most five seconds. So a page
 * that was cut off is back soon after the server is.
 */
export const RECONNECT: Backoff = { baseMs: 500, capMs: 5_000 };

/**
 * The wait before an HTTP request is repeated: at most half a minute, so that clients do not hammer a server in
 * trouble.
 */
export const ASK_AGAIN: Backoff = { baseMs: 500, capMs: 30_000 };

/** Return random(0, min(cap, base * 2^attempt)), in milliseconds. `random` is in [0, 1), `attempt` counts from 0. */
export function fullJitterMs(backoff: Backoff, attempt: number, random: number): number {
  return Math.floor(random * Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt, 30)));
}
