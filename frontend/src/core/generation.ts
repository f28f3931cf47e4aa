/** Starts a calendar anew after a reset, and drops a calendar that is lost or that nobody shows (C7). */

import type { ResetReason } from "../protocol/frames";
import { dropOldPicture, releaseRange } from "./feeds";
import type { GoneReason, Shown } from "./model";
import { pictureIds, storedItems } from "./picture";
import type { Turn } from "./turn";

/**
 * Take a reset: after a random part of its spread, forget everything and ask for it again. If the reason is `rights`,
 * show nothing from now on.
 */
export function resetReceived(turn: Turn, reason: ResetReason, spreadMs: number): void {
  if (turn.state.gone !== null || turn.state.shown.size === 0) return;
  const already = turn.state.resetting;
  if (reason === "rights") forget(turn, { keepPicture: false });
  turn.set({ resetting: true, pending: false, part: null, group: [], ahead: [] });
  if (already) return;
  const ms = turn.spread(spreadMs);
  if (ms > 0) turn.startTimer("reset", ms);
  else startAnew(turn);
}

/** Begin the new generation now. */
export function startAnew(turn: Turn): void {
  if (!turn.state.resetting) return;
  forget(turn, { keepPicture: true });
  turn.set({ resetting: false });
  turn.subscribe();
}

/** Forget the store. With `keepPicture`, the picture stays on screen until every shown range is answered again. */
export function forget(turn: Turn, { keepPicture }: { readonly keepPicture: boolean }): void {
  const before = keepPicture ? [] : pictureIds(turn.state);
  const old = keepPicture ? new Map(Array.from(storedItems(turn.state), (item) => [item.id, item])) : null;
  for (const key of [...turn.state.asks.keys(), ...turn.state.retrying]) releaseRange(turn, key);
  if (turn.state.gapTimer) turn.emit({ type: "stopTimer", name: "gap" });
  const shown = new Map(
    Array.from(turn.state.shown, ([key, one]): [string, Shown] => [key, { ...one, settled: false }]),
  );
  const { resetting, generation, access, oldAccess } = turn.state;
  turn.set({
    ...turn.rules.forgotten(turn.state),
    resetting,
    old,
    oldAccess: access ?? oldAccess,
    shown,
    generation: generation + 1,
    retries: new Map(),
  });
  dropOldPicture(turn);
  turn.notify(before);
  if (!keepPicture) turn.emit({ type: "blank" });
}

/**
 * Drop the old picture at once, as after a reset for `rights`, if it was made with other rights than the current ones.
 */
export function dropForeignPicture(turn: Turn): void {
  const { old, oldAccess, access } = turn.state;
  if (old === null || oldAccess === access) return;
  const before = pictureIds(turn.state);
  turn.set({ old: null });
  turn.notify(before);
  turn.emit({ type: "blank" });
}

/** Drop a calendar that the client may not (or no longer) see, with all its items, and ask nothing more about it. */
export function lose(turn: Turn, reason: GoneReason): void {
  if (turn.state.gone !== null) return;
  endLife(turn);
  turn.set({ gone: reason });
  turn.emit({ type: "gone", reason });
}

/** Leave a calendar that nobody shows any more. */
export function leave(turn: Turn): void {
  const { connected, gone, sequence, calendar } = turn.state;
  if (connected && gone === null && sequence > 0) turn.emit({ type: "send", frame: { type: "unsubscribe", calendar } });
  endLife(turn);
}

function endLife(turn: Turn): void {
  turn.emit({ type: "stopTimer", name: "reset" });
  turn.emit({ type: "stopTimer", name: "resubscribe" });
  forget(turn, { keepPicture: false });
  turn.set({ resetting: false, errors: 0 });
}
