/** Plans how a change is undone: which calls restore what was there, and which state each item must have. */
import { DATES, type Item, isBusy, SETTABLE, type SettableField } from "../protocol/item";
import type { State } from "../protocol/state";

/** What one change set did, as a page saw it. `before` lacks items that were not loaded. */
export interface Done {
  readonly calendar: string;
  readonly state: State;
  readonly before: readonly Item[];
  readonly after: readonly Item[];
  readonly destroyed: readonly string[];
  readonly mutationId: string | null;
}

export type Fields = Readonly<Partial<Record<SettableField, unknown>>>;

/**
 * An item that an undo edits. `state`: the state that the item must have now (412 otherwise). `was`: the state of the
 * item that the edit brings back.
 */
export interface UndoEdit {
  readonly id: string;
  readonly changes: Fields;
  readonly state: State;
  readonly was: State;
}

/**
 * One call, which does all or nothing. `state`: the state that it requires (412 otherwise). `was`: the states of the
 * items that it brings back, as far as they are known.
 */
export type UndoStep =
  | {
      readonly type: "restore";
      readonly calendar: string;
      readonly ids: readonly string[];
      readonly state: State;
      readonly was: ReadonlyMap<string, State>;
    }
  | { readonly type: "delete"; readonly calendar: string; readonly ids: readonly string[]; readonly state: State }
  | { readonly type: "edit"; readonly calendar: string; readonly edits: readonly UndoEdit[] }
  | {
      readonly type: "move";
      readonly calendar: string;
      readonly id: string;
      readonly to: string;
      readonly state: State;
      /**
       * What the move itself changed in these items. It is put back in `to`, at the state with which the move is
       * answered.
       */
      readonly after: readonly { readonly id: string; readonly changes: Fields }[];
    };

/** `dated`: only dates of items changed. `moved`: to another calendar. */
export type UndoKind = "deleted" | "changed" | "dated" | "moved" | "restored" | "created";

export interface Undo {
  readonly kind: UndoKind;
  readonly count: number;
  /** The title of the item, if there is only one and it is known. Of a tree, it is the root's. */
  readonly title: string | null;
  readonly steps: readonly UndoStep[];
}

/** What a page knows beyond the change: which ids it has seen vanish before, and which changes created an item. */
export interface Knowledge {
  cameBack(calendar: string, id: string): boolean;
  created(state: State): boolean;
}

/** Each tree that was moved needs a call of its own, and more calls would keep the server busy. */
export const STEPS_AT_MOST = 100;

/** Tell whether two change sets are the two halves of one move between calendars. */
export function isMove(one: Done, other: Done): boolean {
  if (one.calendar === other.calendar || one.mutationId !== other.mutationId) return false;
  return carries(one, other) || carries(other, one);
}

function carries(left: Done, entered: Done): boolean {
  return left.destroyed.some((id) => entered.after.some((item) => item.id === id));
}

/** Tell whether two changes have an item in common. */
export function touches(one: Done, other: Done): boolean {
  const ids = new Set(idsOf(one));
  return idsOf(other).some((id) => ids.has(id));
}

function idsOf(done: Done): string[] {
  return [...done.destroyed, ...done.after.map((item) => item.id)];
}

/** Return how to undo a change (or both halves of a move); null if that is not known, or takes too many calls. */
export function planUndo(changes: readonly Done[], knows: Knowledge): Undo | null {
  const [one, other] = changes;
  if (one === undefined) return null;
  const undo =
    other === undefined ? planOne(one, knows) : carries(one, other) ? planMove(one, other) : planMove(other, one);
  return undo === null || undo.steps.length === 0 || undo.steps.length > STEPS_AT_MOST ? null : undo;
}

function planOne(done: Done, knows: Knowledge): Undo | null {
  const { destroyed, after, calendar, state } = done;
  const before = new Map(done.before.map((item) => [item.id, item]));
  if (destroyed.length > 0) {
    const was = new Map(destroyed.flatMap((id) => pair(id, before.get(id)?.state)));
    const restore: UndoStep = { type: "restore", calendar, ids: destroyed, state, was };
    // Children that were moved up go back below the items that come back.
    const known = destroyed.flatMap((id) => before.get(id) ?? []);
    const roots = rootsOf(known, new Set(destroyed)); // an item below one that was not loaded is not a root
    return { ...named("deleted", roots, destroyed), steps: [restore, ...edits(done, before)] };
  }
  const fresh = after.filter((item) => !before.has(item.id));
  if (fresh.length === 0) return planEdit(done, before);
  const cameBack = fresh.every((item) => knows.cameBack(calendar, item.id));
  if (fresh.length < after.length || !(cameBack || knows.created(state))) return null;
  const roots = rootsOf(after);
  const ids = after.map((item) => item.id);
  const gone: UndoStep = { type: "delete", calendar, ids: roots.map(({ id }) => id), state };
  return { ...named(cameBack ? "restored" : "created", roots, ids), steps: [gone] };
}

function pair<V>(id: string, value: V | undefined): [string, V][] {
  return value === undefined ? [] : [[id, value]];
}

function planEdit(done: Done, before: ReadonlyMap<string, Item>): Undo | null {
  const steps = edits(done, before);
  const changes = new Map(steps.flatMap((step) => step.edits).map((edit) => [edit.id, edit.changes]));
  const changed = done.after.filter((item) => changes.has(item.id));
  return {
    ...named([...changes.values()].every(isOfDates) ? "dated" : "changed", changed, [...changes.keys()]),
    steps,
  };
}

/** Return the one call that puts changed items back, or nothing if no field that can be set has changed. */
function edits(
  { calendar, state, after }: Done,
  before: ReadonlyMap<string, Item>,
): Extract<UndoStep, { type: "edit" }>[] {
  const found = after.flatMap((item): UndoEdit[] => {
    const was = before.get(item.id);
    const changes = was === undefined ? null : difference(was, item);
    return was === undefined || changes === null ? [] : [{ id: item.id, changes, state, was: was.state }];
  });
  return found.length === 0 ? [] : [{ type: "edit", calendar, edits: found }];
}

function planMove(left: Done, entered: Done): Undo {
  const before = new Map(left.before.map((item) => [item.id, item]));
  const moved = entered.after.filter((item) => left.destroyed.includes(item.id));
  const roots = rootsOf(moved);
  const after = moved.flatMap((item) => {
    const was = before.get(item.id);
    const changes = was === undefined ? null : difference(was, item);
    return changes === null ? [] : [{ id: item.id, changes }];
  });
  const steps = roots.map(({ id }, at): UndoStep => {
    const place = { calendar: entered.calendar, to: left.calendar, state: entered.state };
    return { type: "move", id, ...place, after: at === roots.length - 1 ? after : [] };
  });
  return {
    ...named(
      "moved",
      roots,
      moved.map((item) => item.id),
    ),
    steps,
  };
}

/** Return the fields to set so that `now` becomes like `was`; null if there are none. Dates are set together. */
export function difference(was: Item, now: Item): Fields | null {
  if (isBusy(was) || isBusy(now)) return null;
  const differing = SETTABLE.filter((name) => JSON.stringify(was[name]) !== JSON.stringify(now[name]));
  if (differing.length === 0) return null;
  const dated = differing.some((name) => DATES.includes(name));
  const names = new Set(dated ? [...differing, ...DATES] : differing);
  return Object.fromEntries(Array.from(names, (name) => [name, was[name]]));
}

function isOfDates(changes: Fields): boolean {
  return Object.keys(changes).every((name) => DATES.some((date) => date === name));
}

function rootsOf(items: readonly Item[], ids = new Set(items.map((item) => item.id))): readonly Item[] {
  return items.filter((item) => isBusy(item) || item.parent === null || !ids.has(item.parent));
}

function named(kind: UndoKind, roots: readonly Item[], ids: readonly string[]): Omit<Undo, "steps"> {
  const [root] = roots;
  const alone = roots.length === 1 && root !== undefined && !isBusy(root);
  return { kind, title: alone ? root.title : null, count: ids.length };
}
