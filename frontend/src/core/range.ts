/** Tells which items the feed of a range contains, by the same rule as the server. */
import type { Item } from "../protocol/item";

/** A half-open range of time, in milliseconds since 1970 UTC. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Return a range's name in maps and timers. */
export function rangeKey(range: Range): string {
  return `${range.start}/${range.end}`;
}

/**
 * Tell whether an item is in a range. All-day items count as midnights in UTC. An item that spans the whole range is in
 * it, and so is an item without length at its start.
 */
export function isInRange(item: Item, range: Range): boolean {
  // A date without a time is read as UTC midnight (ECMAScript, Date Time String Format).
  const start = Date.parse(item.start);
  return start < range.end && (Date.parse(item.end) > range.start || start === range.start);
}

/** Return what an item shows in a range: itself, if it is in the range. */
export function occurrences(item: Item, range: Range): readonly Item[] {
  return isInRange(item, range) ? [item] : [];
}
