/** States the client's rules as small functions, named as in docs/protocol.md (C1-C8). */
import type { ChangesFrame } from "../protocol/frames";
import { revisionOf, type State } from "../protocol/state";
import type { Ask, CalendarState, ChangeSet, FeedAnswer } from "./model";
import { BLANK, LANES } from "./model";

export type ChangePlace = "apply" | "ahead" | "fork" | "behind";
export type FeedPlace = "merge" | "wait" | "again";

/** Return the id of the last subscribe sent. */
export function subscribeId(state: CalendarState): number {
  return state.sequence * LANES + state.lane;
}

/** C1: never take a feed that is older than what was known when it was asked for. */
function minRevision(cursor: State): number {
  return revisionOf(cursor);
}

/** C2: a tombstone may be forgotten if no feed in flight was asked for with a lower `min_revision`. */
function mayForget(revision: number, asks: Iterable<Ask>): boolean {
  for (const ask of asks) {
    if (ask.minRevision < revision) return false;
  }
  return true;
}

/** C3: chunks belong together if they have the same two states. */
function continuesPart(part: ChangeSet, frame: ChangesFrame): boolean {
  return part.oldState === frame.oldState && part.newState === frame.newState;
}

/** C3: sets that are only true together follow on one another, and end at the same state. */
function continuesGroup(group: readonly ChangeSet[], change: ChangeSet): boolean {
  const last = group.at(-1);
  return last?.newState === change.oldState && last.until === (change.until ?? change.newState);
}

/** C3: a set that is only true together with later ones waits for them. */
function isOpen(change: ChangeSet): boolean {
  return change.until !== undefined;
}

/** C3: where a change set stands relative to the cursor. */
function placeChange(cursor: State, change: Pick<ChangeSet, "oldState" | "newState">): ChangePlace {
  if (change.oldState === cursor) return "apply";
  if (change.newState === cursor) return "behind";
  const at = revisionOf(cursor);
  if (revisionOf(change.oldState) > at) return "ahead";
  return revisionOf(change.newState) < at ? "behind" : "fork";
}

/** C2, C3, C5: a row is taken only if its revision is above the known one. */
function takes(known: number | undefined, revision: number): boolean {
  return known === undefined || revision > known;
}

/** C4: only the answer to the last subscribe counts. */
function isAnswered(state: CalendarState, id: number): boolean {
  return id === subscribeId(state);
}

/** C4: `subscribed` sets the cursor only after `state: null`. */
function setsCursor(state: CalendarState): boolean {
  return state.cursor === null;
}

/** C4: a subscribe without an answer is sent again. The new one replaces it. */
function asksUnanswered(): boolean {
  return true;
}

/** C5: what to do with a feed's answer. */
function placeFeed(state: CalendarState, answer: FeedAnswer): FeedPlace {
  if (state.cursor === null || answer.access !== state.access) return "again";
  if (state.chain.has(answer.state)) return "merge";
  return revisionOf(answer.state) > revisionOf(state.cursor) ? "wait" : "again";
}

/** C5: a row that the feed lacks is hidden, unless it is known at a newer revision than the feed's. */
function hidesMissing(known: number, feedRevision: number): boolean {
  return known <= feedRevision;
}

/** C6: a head that differs from the cursor shows that something was missed. */
function headDiffers(state: CalendarState, head: State): boolean {
  return state.cursor !== null && !state.pending && head !== state.cursor;
}

/** C7: what a reset forgets. */
function forgotten(_state: CalendarState): Partial<CalendarState> {
  return BLANK;
}

/** C3: what a cut connection forgets. */
function cut(_state: CalendarState): Partial<CalendarState> {
  return { part: null, group: [], ahead: [], pending: false, gapTimer: false };
}

/** C8: a retry carries the key of the first try, so that the server does it once. */
function retryKey(key: string, _attempts: number): string {
  return key;
}

/** C8: an answer does not end an overlay; the store does. */
function endsWhenAnswered(): boolean {
  return false;
}

export const RULES = {
  minRevision,
  mayForget,
  continuesPart,
  continuesGroup,
  isOpen,
  placeChange,
  takes,
  isAnswered,
  setsCursor,
  asksUnanswered,
  placeFeed,
  hidesMissing,
  headDiffers,
  forgotten,
  cut,
  retryKey,
  endsWhenAnswered,
};

export type Rules = typeof RULES;
