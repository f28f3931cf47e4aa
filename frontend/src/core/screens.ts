/** Tracks which ranges are on which screens. */
import { askMissing, dropOldPicture, releaseRange } from "./feeds";
import { leave } from "./generation";
import type { Shown } from "./model";
import { type Range, rangeKey } from "./range";
import { type Turn, withEntry, without } from "./turn";

/**
 * Show a range in a viewer, instead of its last range. The range is asked for even if the store knows it, so that what
 * navigation shows is fresh.
 */
export function show(turn: Turn, viewer: string, range: Range, again: boolean): void {
  const key = rangeKey(range);
  const wasIdle = turn.state.shown.size === 0;
  const before = keyOf(turn, viewer);
  if (before !== key) {
    addViewer(turn, viewer, range);
    if (before !== null) removeViewer(turn, viewer, before);
  }
  if (again) unsettle(turn, key);
  dropOldPicture(turn); // perhaps only the viewer's last range was still to be answered
  if (wasIdle) {
    turn.set({ gone: null });
    turn.subscribe();
  }
  askMissing(turn);
}

/** Remove a viewer. When the last one has gone, leave the calendar. */
export function hide(turn: Turn, viewer: string): void {
  const key = keyOf(turn, viewer);
  if (key === null) return;
  removeViewer(turn, viewer, key);
  if (turn.state.shown.size === 0) leave(turn);
  else dropOldPicture(turn);
}

function keyOf(turn: Turn, viewer: string): string | null {
  for (const [key, shown] of turn.state.shown) {
    if (shown.viewers.has(viewer)) return key;
  }
  return null;
}

function addViewer(turn: Turn, viewer: string, range: Range): void {
  const key = rangeKey(range);
  const one: Shown = turn.state.shown.get(key) ?? { range, viewers: new Set(), settled: false };
  turn.set({ shown: withEntry(turn.state.shown, key, { ...one, viewers: new Set(one.viewers).add(viewer) }) });
}

function removeViewer(turn: Turn, viewer: string, key: string): void {
  const one = turn.state.shown.get(key);
  if (one === undefined) return;
  const viewers = new Set(one.viewers);
  viewers.delete(viewer);
  if (viewers.size > 0) return turn.set({ shown: withEntry(turn.state.shown, key, { ...one, viewers }) });
  turn.set({ shown: without(turn.state.shown, [key]) });
  releaseRange(turn, key);
}

function unsettle(turn: Turn, key: string): void {
  const one = turn.state.shown.get(key);
  if (one !== undefined) turn.set({ shown: withEntry(turn.state.shown, key, { ...one, settled: false }) });
}
