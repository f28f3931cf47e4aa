/** Computes a calendar's picture from the store, the picture before a reset, and the overlay. */
import type { Item } from "../protocol/item";
import type { CalendarState } from "./model";
import { overlaid } from "./overlay";

/** Return an item as the screen should show it, or undefined. The view is overlay(store) (C8). */
export function lookUp(state: CalendarState, id: string): Item | undefined {
  return overlaid(state, stored(state, id));
}

/** Return an item as the store knows it. */
export function stored(state: CalendarState, id: string): Item | undefined {
  const row = state.rows.get(id);
  if (row !== undefined) return row.item;
  return state.graves.has(id) ? undefined : state.old?.get(id);
}

/** Yield all items of the picture. */
export function* picture(state: CalendarState): Generator<Item> {
  for (const item of storedItems(state)) {
    const seen = overlaid(state, item);
    if (seen !== undefined) yield seen;
  }
}

/** Yield all items as the store knows them. */
export function* storedItems(state: CalendarState): Generator<Item> {
  for (const row of state.rows.values()) yield row.item;
  if (state.old === null) return;
  for (const [id, item] of state.old) {
    if (!state.rows.has(id) && !state.graves.has(id)) yield item;
  }
}

/** Return the ids of the items in the picture. */
export function pictureIds(state: CalendarState): string[] {
  return Array.from(picture(state), (item) => item.id);
}

/** Tell whether a shown range still waits for its answer. */
export function isLoading(state: CalendarState): boolean {
  if (state.gone !== null) return false;
  for (const shown of state.shown.values()) {
    if (!shown.settled) return true;
  }
  return false;
}
