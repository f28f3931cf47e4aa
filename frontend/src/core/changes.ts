/** Applies change sets to the store in their order (C2, C3), and notices gaps between them. */
import type { ChangesFrame } from "../protocol/frames";
import { revisionOf } from "../protocol/state";
import { isFeedWaiting, revisitWaiting, startGap } from "./feeds";
import { AHEAD_AT_MOST, ASK_AGAIN_MS, CHAIN_AT_LEAST, type ChangeSet, GAP_MS } from "./model";
import { isAnswerWaiting } from "./overlay";
import { type Turn, without } from "./turn";

/** Take a frame: collect the chunks of a change set, and place the whole set when the last chunk has arrived. */
export function changesReceived(turn: Turn, frame: ChangesFrame): void {
  const { part, cursor, resetting } = turn.state;
  if (cursor === null || resetting) return;
  const change = part !== null && turn.rules.continuesPart(part, frame) ? joined(part, frame) : wholeOf(frame);
  turn.set({ part: frame.more ? change : null });
  if (!frame.more) gather(turn, change);
}

/**
 * Collect the sets that are only true together, and place them in one turn when the last one has arrived. If the group
 * has a gap, only the last set is taken.
 */
function gather(turn: Turn, change: ChangeSet): void {
  const continues = turn.rules.continuesGroup(turn.state.group, change);
  const group = continues ? turn.state.group : [];
  if (turn.rules.isOpen(change)) return turn.set({ group: [...group, change] });
  turn.set({ group: [] });
  const next = group.findIndex((one) => one.oldState === turn.state.cursor);
  for (const one of next < 0 ? [] : group.slice(next)) placeChange(turn, one);
  placeChange(turn, change);
}

function wholeOf(frame: ChangesFrame): ChangeSet {
  const { oldState, newState, upserted, destroyed, actor, mutationId, until, unreadable = [] } = frame;
  return { oldState, newState, upserted, destroyed, actor, mutationId, until, unreadable };
}

function joined(part: ChangeSet, frame: ChangesFrame): ChangeSet {
  return {
    ...part,
    upserted: [...part.upserted, ...frame.upserted],
    destroyed: [...part.destroyed, ...frame.destroyed],
    unreadable: [...part.unreadable, ...(frame.unreadable ?? [])],
  };
}

function placeChange(turn: Turn, change: ChangeSet): void {
  const { cursor, pending, ahead } = turn.state;
  if (cursor === null) return;
  const place = turn.rules.placeChange(cursor, change);
  if (place === "apply") {
    apply(turn, change);
    drainAhead(turn);
    revisitWaiting(turn);
  } else if (place === "ahead") {
    if (ahead.length < AHEAD_AT_MOST) turn.set({ ahead: [...ahead, change] });
    startGap(turn, GAP_MS);
  } else if (place === "fork" && !pending) turn.subscribe();
}

function apply(turn: Turn, change: ChangeSet): void {
  const revision = revisionOf(change.newState);
  const { rows, graves, chain } = turn.state;
  const takes = (id: string) => turn.rules.takes(rows.get(id)?.revision ?? graves.get(id), revision);
  const upserted = change.upserted.filter((item) => takes(item.id));
  const destroyed = change.destroyed.filter(takes);
  const edits = [
    ...upserted.map((item) => [item.id, { item, revision }] as const),
    ...destroyed.map((id) => [id, undefined] as const),
  ];
  const before = [...upserted.map((item) => item.id), ...destroyed]
    .map((id) => rows.get(id)?.item)
    .filter((item) => item !== undefined);
  const dug = without(
    graves,
    upserted.map((item) => item.id),
  );
  turn.set({
    rows: rows.with(edits),
    graves: destroyed.length === 0 ? dug : new Map([...dug, ...destroyed.map((id) => [id, revision] as const)]),
    cursor: change.newState,
    chain: new Set(chain).add(change.newState),
  });
  turn.emit({ type: "applied", change, before });
  turn.notify([...change.upserted.map((item) => item.id), ...change.destroyed]);
}

function drainAhead(turn: Turn): void {
  for (;;) {
    const { cursor, ahead } = turn.state;
    const next = ahead.find((change) => cursor !== null && turn.rules.placeChange(cursor, change) === "apply");
    if (next === undefined) break;
    turn.set({ ahead: ahead.filter((change) => change !== next) });
    apply(turn, next);
  }
  const { cursor, ahead } = turn.state;
  turn.set({ ahead: ahead.filter((change) => cursor !== null && turn.rules.placeChange(cursor, change) === "ahead") });
}

/**
 * Handle the end of a gap's wait: if the gap is still open, ask for what is missing, and check again in a second (C3,
 * C5).
 */
export function gapFired(turn: Turn): void {
  turn.set({ gapTimer: false });
  if (turn.state.ahead.length === 0 && !isFeedWaiting(turn) && !isAnswerWaiting(turn)) return;
  if (!turn.state.pending) turn.subscribe();
  startGap(turn, ASK_AGAIN_MS);
}

/** Forget the tombstones and the part of the chain that no feed in flight can reach (C2). */
export function tidy(turn: Turn): void {
  const { graves, chain, asks, cursor, old } = turn.state;
  const forgotten = [...graves]
    .filter(([, revision]) => turn.rules.mayForget(revision, asks.values()))
    .map(([id]) => id);
  if (forgotten.length > 0) {
    // The tombstone also hides the item in the old picture, so the item leaves that picture with it.
    turn.set({ graves: without(graves, forgotten), old: old && without(old, forgotten) });
  }
  if (cursor === null || chain.size < 2) return;
  const [oldest = cursor] = chain;
  const recent = revisionOf(cursor) - CHAIN_AT_LEAST;
  const floor = Math.min(recent, ...[...asks.values()].map((ask) => ask.minRevision));
  if (revisionOf(oldest) < floor)
    turn.set({ chain: new Set([...chain].filter((state) => revisionOf(state) >= floor)) });
}
