/** Lays the page's own edits over the store until the store has them (C8). */
import { type Item, isBusy } from "../protocol/item";
import { revisionOf, type State } from "../protocol/state";
import { startGap } from "./feeds";
import { ASK_AGAIN_MS, type CalendarState, type Edit, type Mutation } from "./model";
import { type Turn, withEntry, without } from "./turn";

/** Return an item as it is under its overlay, or undefined if the overlay hides it. */
export function overlaid(state: CalendarState, item: Item | undefined): Item | undefined {
  const mutations = item === undefined ? undefined : state.overlays.get(item.id);
  if (item === undefined || mutations === undefined) return item;
  return mutations.reduce<Item | undefined>((seen, { edit }) => seen && edited(seen, edit), item);
}

function edited(item: Item, edit: Edit): Item | undefined {
  if (edit.type === "delete") return undefined;
  return isBusy(item) ? item : { ...item, ...edit.changes };
}

/** Take an edit from the page: show it at once, and send it as soon as no other edit of the item is in flight. */
export function mutate(turn: Turn, key: string, id: string, edit: Edit, state: State | null): void {
  const before = turn.state.overlays.get(id) ?? [];
  const mutation: Mutation = { key, edit, state: basis(before, state), sent: false, attempts: 0, answered: null };
  put(turn, id, [...before, mutation]);
  turn.notify([id]);
  sendNext(turn, id);
}

// The page sees the item at its old state until the store has caught up with the last answer.
function basis(before: readonly Mutation[], state: State | null): State | null {
  const answered = before.at(-1)?.answered?.state;
  if (answered === undefined || state === null) return state;
  return revisionOf(answered) > revisionOf(state) ? answered : state;
}

function sendNext(turn: Turn, id: string): void {
  const waiting = (turn.state.overlays.get(id) ?? []).find((one) => one.answered === null);
  if (waiting === undefined || waiting.sent) return;
  replace(turn, id, { ...waiting, sent: true });
  send(turn, id, waiting);
}

function send(turn: Turn, id: string, { key, edit, state, attempts }: Mutation): void {
  turn.emit({ type: "mutate", key, sendAs: turn.rules.retryKey(key, attempts), id, edit, state });
}

/** Take the answer to an edit that the server has made. The overlay stays until the store shows the edit, too. */
export function mutationAnswered(turn: Turn, key: string, state: State): void {
  const found = find(turn, key);
  if (found === null) return;
  const [id, mutation] = found;
  replace(turn, id, { ...mutation, answered: { state, sequence: turn.state.sequence } });
  const rest = (turn.state.overlays.get(id) ?? []).map((one) =>
    one.answered === null && one.state !== null ? { ...one, state } : one,
  );
  put(turn, id, rest);
  if (turn.rules.endsWhenAnswered()) end(turn, (one) => one.key === key);
  sendNext(turn, id);
}

/** Take the refusal of an edit: drop the edit, and with it every edit that was built on it. */
export function mutationRefused(turn: Turn, key: string): void {
  const found = find(turn, key);
  if (found === null) return;
  const [id] = found;
  put(
    turn,
    id,
    (turn.state.overlays.get(id) ?? []).filter((one) => one.answered !== null),
  );
  turn.notify([id]);
}

/** Handle the loss of an answer. Nobody knows whether the edit was made, so it is sent again, under the same key. */
export function mutationLost(turn: Turn, key: string): void {
  const found = find(turn, key);
  if (found === null) return;
  const [id, mutation] = found;
  replace(turn, id, { ...mutation, attempts: mutation.attempts + 1 });
  turn.startTimer(`mutation:${key}`, Math.max(1, turn.backoffMs(mutation.attempts)));
}

/** Send an edit again after the wait for its lost answer. */
export function mutationFired(turn: Turn, key: string): void {
  const found = find(turn, key);
  if (found !== null && found[1].answered === null) send(turn, ...found);
}

/** Take the answer to a deletion that this client did not send: hide the item until the store has caught up. */
export function deleteAnswered(turn: Turn, id: string, state: State): void {
  if (turn.state.chain.has(state)) return;
  const answered = { state, sequence: turn.state.sequence };
  const mutation = { key: `${id}/${state}`, edit: { type: "delete" }, state: null, sent: true, attempts: 0 } as const;
  put(turn, id, [...(turn.state.overlays.get(id) ?? []), { ...mutation, answered }]);
  turn.notify([id]);
}

/**
 * End the answered edits whose state is in the chain. Ask about an edit that the chain has jumped over, or that belongs
 * to another history. Ask a second later about an edit that is ahead, because its frame, or its history, may be lost.
 */
export function reviewOverlays(turn: Turn): void {
  if (turn.state.overlays.size === 0) return;
  end(turn, (one) => one.answered !== null && turn.state.chain.has(one.answered.state));
  const { cursor, pending, overlays } = turn.state;
  if (cursor === null || pending) return;
  const isDoubtful = (one: Mutation) => one.answered !== null && revisionOf(one.answered.state) <= revisionOf(cursor);
  if ([...overlays.values()].some((list) => list.some(isDoubtful))) turn.subscribe();
  else if (isAnswerWaiting(turn)) startGap(turn, ASK_AGAIN_MS);
}

/** Tell whether an answered edit waits for the store. */
export function isAnswerWaiting(turn: Turn): boolean {
  return [...turn.state.overlays.values()].some((list) => list.some((one) => one.answered !== null));
}

/**
 * Handle the end of a subscribe: everything that was answered before it was sent is in the store now, or never will be.
 */
export function endAnswered(turn: Turn): void {
  const { sequence } = turn.state;
  end(turn, (one) => one.answered !== null && one.answered.sequence < sequence);
}

function end(turn: Turn, isOver: (mutation: Mutation) => boolean): void {
  const ended: string[] = [];
  for (const [id, list] of turn.state.overlays) {
    const over = list.filter(isOver);
    if (over.length === 0) continue;
    keepInOld(turn, id, over);
    put(
      turn,
      id,
      list.filter((one) => !over.includes(one)),
    );
    ended.push(id);
  }
  turn.notify(ended);
}

// The picture from before a reset knows nothing of what was done since, so it takes over what the overlay showed.
function keepInOld(turn: Turn, id: string, over: readonly Mutation[]): void {
  const { old } = turn.state;
  const item = old?.get(id);
  if (old === null || item === undefined) return;
  const now = over.reduce<Item | undefined>((seen, { edit }) => seen && edited(seen, edit), item);
  turn.set({ old: now === undefined ? without(old, [id]) : withEntry(old, id, now) });
}

function find(turn: Turn, key: string): readonly [string, Mutation] | null {
  for (const [id, list] of turn.state.overlays) {
    const mutation = list.find((one) => one.key === key && one.answered === null);
    if (mutation !== undefined) return [id, mutation];
  }
  return null;
}

function replace(turn: Turn, id: string, mutation: Mutation): void {
  const list = turn.state.overlays.get(id) ?? [];
  put(
    turn,
    id,
    list.map((one) => (one.key === mutation.key ? mutation : one)),
  );
}

function put(turn: Turn, id: string, list: readonly Mutation[]): void {
  const { overlays } = turn.state;
  turn.set({ overlays: list.length === 0 ? without(overlays, [id]) : withEntry(overlays, id, list) });
}
