/** Calls the API to edit, delete, restore and move work items. */
import { isObject } from "../../protocol/checks";
import { type Item, type ItemKey, readItem } from "../../protocol/item";
import { isState, type State } from "../../protocol/state";
import type { Answer, ApiError, Call, Result } from "./http";

export interface Written {
  /** The item as it was written, if the answer had it. */
  readonly item: Item | null;
  readonly state: State | null;
}

export interface Deleted {
  readonly id: string;
  readonly calendar: string;
  readonly state: State;
}

export interface PatchOptions {
  /** The state that the change is based on. The server answers 412 if the item has changed since. */
  readonly state?: State;
  readonly mutationId: string;
}

export interface DeleteOptions {
  readonly state?: State;
  readonly children?: "delete" | "reparent";
  readonly mutationId: string;
}

/** Change some fields of an item (wire names). */
export async function patchItem(
  call: Call,
  key: ItemKey,
  changes: object,
  options: PatchOptions,
): Promise<Result<Written>> {
  const headers = { ...match(options.state), "Idempotency-Key": options.mutationId };
  const result = await call({ method: "PATCH", path: itemPath(key), headers, body: changes });
  if (!result.ok) return result;
  const { json } = result.value;
  const item = readItem(json);
  const state = result.value.headers.get("Calendar-State") ?? item?.state;
  return { ok: true, value: { item, state: isState(state) ? state : null } };
}

/** Delete an item; `children` says what becomes of those below it. */
export async function deleteItem(call: Call, key: ItemKey, options: DeleteOptions): Promise<Result<Deleted>> {
  const query = options.children === undefined ? "" : `?children=${options.children}`;
  const headers = { ...match(options.state), "Idempotency-Key": options.mutationId };
  const result = await call({ method: "DELETE", path: itemPath(key) + query, headers });
  if (!result.ok) return result;
  const deleted = readDeleted(result.value.json);
  if (deleted !== null) return { ok: true, value: deleted };
  return unreadable(result.value.status);
}

/** An item and the state it must be at. The server answers 412 if it has changed since. */
export interface Expected {
  readonly id: string;
  readonly state: State;
}

/** One of the edits that are made together in one call. */
export interface BulkEdit extends Expected {
  readonly changes: object;
}

/** Change fields of many items, all or none. Returns the calendar's new state. */
export async function editItems(
  call: Call,
  calendar: string,
  edits: readonly BulkEdit[],
  mutationId: string,
): Promise<Result<State>> {
  const body = { changes: Object.fromEntries(edits.map(({ id, changes }) => [id, changes])), states: statesOf(edits) };
  return stateOf(await bulk(call, calendar, "edit", body, mutationId));
}

/** Delete many items with everything below them, all or none. Returns the calendar's new state. */
export async function deleteItems(
  call: Call,
  calendar: string,
  items: readonly Expected[],
  mutationId: string,
): Promise<Result<State>> {
  const body = { ids: items.map(({ id }) => id), states: statesOf(items) };
  return stateOf(await bulk(call, calendar, "delete", body, mutationId));
}

function statesOf(items: readonly Expected[]): Record<string, State> {
  return Object.fromEntries(items.map(({ id, state }) => [id, state]));
}

function bulk(call: Call, calendar: string, verb: string, body: object, mutationId: string): Promise<Result<Answer>> {
  const headers = { "Idempotency-Key": mutationId };
  return call({ method: "POST", path: `calendars/${calendar}/items/${verb}/`, headers, body });
}

/**
 * Undo the deletion that made `state`, for these items and all that was deleted with them. Returns the calendar's new
 * state.
 */
export async function restoreItems(
  call: Call,
  calendar: string,
  ids: readonly string[],
  options: { readonly state: State; readonly mutationId: string },
): Promise<Result<State>> {
  return stateOf(await bulk(call, calendar, "restore", { ids, state: options.state }, options.mutationId));
}

/** Move an item and all below it to another calendar. Returns the new state there. */
export async function moveItem(
  call: Call,
  key: ItemKey,
  to: string,
  options: { readonly state?: State; readonly mutationId: string },
): Promise<Result<State>> {
  const headers = { ...match(options.state), "Idempotency-Key": options.mutationId };
  return stateOf(await call({ method: "POST", path: `${itemPath(key)}move/`, headers, body: { calendar: to } }));
}

function stateOf(result: Result<Answer>): Result<State> {
  if (!result.ok) return result;
  const state = result.value.headers.get("Calendar-State");
  return isState(state) ? { ok: true, value: state } : unreadable(result.value.status);
}

function match(state: State | undefined): Record<string, string> {
  return state === undefined ? {} : { "If-Match": `"${state}"` };
}

function unreadable(status: number): { readonly ok: false; readonly error: ApiError } {
  return { ok: false, error: { status, code: "unreadable", detail: "The answer could not be read." } };
}

/** Read `{id, calendar, state}`: the answer to a delete, and the detail of `workItemDeleted`. */
export function readDeleted(value: unknown): Deleted | null {
  if (!isObject(value)) return null;
  const { id, calendar, state } = value;
  return typeof id === "string" && typeof calendar === "string" && isState(state) ? { id, calendar, state } : null;
}

function itemPath({ calendar, id }: ItemKey): string {
  return `calendars/${calendar}/items/${id}/`;
}
