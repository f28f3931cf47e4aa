/** Asks for the ranges on screen, and merges their feeds into the store (C1, C5). */
import { revisionOf } from "../protocol/state";
import type { Ask, FeedAnswer, FeedFailure, Row, Shown } from "./model";
import { GAP_MS } from "./model";
import { isInRange, type Range, rangeKey } from "./range";
import { type Turn, withEntry, without } from "./turn";

/**
 * Ask for every shown range that is neither answered nor asked for. Without a cursor, there is no revision to ask from
 * (C1).
 */
export function askMissing(turn: Turn): void {
  for (const [key, shown] of turn.state.shown) {
    const { asks, retrying } = turn.state;
    if (!shown.settled && !asks.has(key) && !retrying.has(key)) ask(turn, shown.range);
  }
}

function ask(turn: Turn, range: Range): void {
  const { cursor, gone, generation, asks, etags } = turn.state;
  if (cursor === null || gone !== null) return;
  const key = rangeKey(range);
  const number = turn.state.lastAsk + 1;
  const minRevision = turn.rules.minRevision(cursor);
  const entry: Ask = { ask: number, range, minRevision, answer: null, waitsSince: 0 };
  turn.set({ lastAsk: number, asks: withEntry(asks, key, entry) });
  turn.emit({ type: "fetch", ask: number, generation, range, minRevision, etag: etags.get(key) ?? null });
}

/**
 * Take a feed's answer: merge it, let it wait for the cursor, or ask again. Ignore an answer that is no longer waited
 * for, such as that of an older generation (C5).
 */
export function feedAnswered(turn: Turn, number: number, answer: FeedAnswer): void {
  const found = findAsk(turn, number);
  if (found === null) return;
  const [key, entry] = found;
  const place = turn.rules.placeFeed(turn.state, answer);
  if (place === "merge") merge(turn, key, entry, answer);
  else if (place === "again") askAgain(turn, key);
  else {
    const waiting: Ask = { ...entry, answer, waitsSince: turn.state.sequence };
    turn.set({ asks: withEntry(turn.state.asks, key, waiting) });
    startGap(turn, GAP_MS);
  }
}

function findAsk(turn: Turn, number: number): readonly [string, Ask] | null {
  for (const entry of turn.state.asks) {
    if (entry[1].ask === number && entry[1].answer === null) return entry;
  }
  return null;
}

/** Check the waiting feeds again, because the cursor has moved. */
export function revisitWaiting(turn: Turn): void {
  for (const [key, entry] of turn.state.asks) {
    if (entry.answer === null) continue;
    const place = turn.rules.placeFeed(turn.state, entry.answer);
    if (place === "merge") merge(turn, key, entry, entry.answer);
    else if (place === "again") askAgain(turn, key);
  }
}

/**
 * Drop each feed that waited before this subscribe and is still ahead: the cursor will never reach it, so ask for it
 * again (C4).
 */
export function dropStillAhead(turn: Turn): void {
  const { asks, sequence } = turn.state;
  const stale = [...asks].filter(([, entry]) => entry.answer !== null && entry.waitsSince < sequence);
  turn.set({
    asks: without(
      asks,
      stale.map(([key]) => key),
    ),
  });
}

/** Tell whether a feed waits for the cursor. */
export function isFeedWaiting(turn: Turn): boolean {
  return [...turn.state.asks.values()].some((entry) => entry.answer !== null);
}

/** Start the timer that finds a gap that has not closed by itself. */
export function startGap(turn: Turn, ms: number): void {
  if (turn.state.gapTimer || !turn.state.connected) return;
  turn.set({ gapTimer: true });
  turn.startTimer("gap", ms);
}

// Ask at once the first time, and later with backoff, so that two servers that disagree are not asked in a tight loop.
function askAgain(turn: Turn, key: string): void {
  turn.set({ asks: without(turn.state.asks, [key]) });
  retry(turn, key, (attempt) => (attempt === 0 ? 0 : turn.backoffMs(attempt)));
}

function retry(turn: Turn, key: string, delayMs: (attempt: number) => number): void {
  const attempt = turn.state.retries.get(key) ?? 0;
  turn.set({ retries: withEntry(turn.state.retries, key, attempt + 1) });
  const ms = delayMs(attempt);
  if (ms === 0) return askMissing(turn);
  turn.set({ retrying: new Set(turn.state.retrying).add(key) });
  turn.startTimer(`retry:${key}`, ms);
}

/** Handle the end of a range's wait: ask for the range again, if it is still on screen. */
export function retryFired(turn: Turn, key: string): void {
  stopRetrying(turn, key);
  askMissing(turn);
}

function stopRetrying(turn: Turn, key: string): void {
  if (!turn.state.retrying.has(key)) return;
  const retrying = new Set(turn.state.retrying);
  retrying.delete(key);
  turn.set({ retrying });
}

/**
 * Handle a feed that failed. Return whether the feed was still waited for: the failure of an older one means nothing
 * any more (C5).
 */
export function feedFailed(turn: Turn, number: number, failure: FeedFailure): boolean {
  const found = findAsk(turn, number);
  if (found === null) return false;
  const [key] = found;
  turn.set({ asks: without(turn.state.asks, [key]) });
  if (failure.kind === "refused") settle(turn, key);
  if (failure.kind === "retry") {
    // Retry-After is the least wait, and jitter on top of it keeps clients apart. The wait is never 0, so that a
    // failing server is not asked in a loop.
    retry(turn, key, (attempt) => Math.max(1, (failure.afterMs ?? 0) + turn.backoffMs(attempt)));
  }
  return true;
}

/** Forget what is in flight for a range that is no longer on any screen. */
export function releaseRange(turn: Turn, key: string): void {
  const entry = turn.state.asks.get(key);
  if (entry !== undefined && entry.answer === null) turn.emit({ type: "abort", ask: entry.ask });
  if (turn.state.retrying.has(key)) turn.emit({ type: "stopTimer", name: `retry:${key}` });
  stopRetrying(turn, key);
  turn.set({ asks: without(turn.state.asks, [key]), retries: without(turn.state.retries, [key]) });
}

function merge(turn: Turn, key: string, entry: Ask, answer: FeedAnswer): void {
  turn.set({ asks: without(turn.state.asks, [key]) });
  // 304: nothing of this range has been forgotten since that ETag, so the store still has its rows.
  if (answer.rows !== null) mergeRows(turn, entry.range, { ...answer, rows: answer.rows });
  if (answer.etag !== null) turn.set({ etags: withEntry(turn.state.etags, key, answer.etag) });
  settle(turn, key);
}

function mergeRows(
  turn: Turn,
  range: Range,
  answer: FeedAnswer & { readonly rows: NonNullable<FeedAnswer["rows"]> },
): void {
  const { rows, graves } = turn.state;
  const taken = answer.rows
    .map((item): Row => ({ item, revision: revisionOf(item.state) }))
    .filter(({ item, revision }) => turn.rules.takes(rows.get(item.id)?.revision ?? graves.get(item.id), revision));
  const missing = missingRows(turn, range, answer);
  const ids = (list: readonly Row[]) => list.map((row) => row.item.id);
  turn.set({
    rows: rows.with([
      ...taken.map((row) => [row.item.id, row] as const),
      ...missing.map((row) => [row.item.id, undefined] as const),
    ]),
    graves: new Map([...without(graves, ids(taken)), ...missing.map((row) => [row.item.id, row.revision] as const)]),
  });
  turn.notify([...ids(taken), ...ids(missing)]);
}

function missingRows(
  turn: Turn,
  range: Range,
  answer: FeedAnswer & { readonly rows: NonNullable<FeedAnswer["rows"]> },
): Row[] {
  const present = new Set(answer.rows.map((item) => item.id));
  const revision = revisionOf(answer.state);
  return [...turn.state.rows.values()].filter(
    (row) =>
      !present.has(row.item.id) &&
      row.item.rrule === null && // the item's own dates do not tell when the rest of its series is
      isInRange(row.item, range) &&
      turn.rules.hidesMissing(row.revision, revision),
  );
}

function settle(turn: Turn, key: string): void {
  const shown = turn.state.shown.get(key);
  if (shown === undefined) return;
  const settled: Shown = { ...shown, settled: true };
  turn.set({ shown: withEntry(turn.state.shown, key, settled), retries: without(turn.state.retries, [key]) });
  dropOldPicture(turn);
}

/** Drop the picture from before the reset, once every shown range is answered (C7). */
export function dropOldPicture(turn: Turn): void {
  const { old, rows, shown } = turn.state;
  if (old === null || [...shown.values()].some((one) => !one.settled)) return;
  turn.set({ old: null });
  turn.notify([...old.keys()].filter((id) => !rows.has(id)));
}
