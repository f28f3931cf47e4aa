/** Reads and writes view, date and filters as the search part of an address. */

export type View = "month" | "week" | "day" | "list";

export interface Filter {
  /** Empty: all. */
  readonly types: readonly string[];
  readonly statuses: readonly string[];
  /** Any of them, in upper or lower case. */
  readonly tags: readonly string[];
}

export interface Place extends Filter {
  readonly view: View;
  /** `2026-11-22` */
  readonly date: string;
}

const VIEWS: readonly View[] = ["month", "week", "day", "list"];
const DATE = /^\d{4}-\d\d-\d\d$/;

/** Read the search part of an address. Values that are missing or wrong come from `otherwise`. */
export function readPlace(search: string, otherwise: { readonly view: View; readonly date: string }): Place {
  const params = new URLSearchParams(search);
  const view = VIEWS.find((one) => one === params.get("view")) ?? otherwise.view;
  const date = params.get("date") ?? "";
  return {
    view,
    date: DATE.test(date) && !Number.isNaN(Date.parse(date)) ? date : otherwise.date,
    types: list(params.get("type")),
    statuses: list(params.get("status")),
    tags: readTags(params.get("tag") ?? ""),
  };
}

/** Write a place as an address's search part. */
export function writePlace(place: Place): string {
  const parts = [`view=${place.view}`, `date=${place.date}`];
  if (place.types.length) parts.push(`type=${place.types.map(encodeURIComponent).join(",")}`);
  if (place.statuses.length) parts.push(`status=${place.statuses.map(encodeURIComponent).join(",")}`);
  if (place.tags.length) parts.push(`tag=${place.tags.map(encodeURIComponent).join(",")}`);
  return `?${parts.join("&")}`;
}

/** What a filter compares. A busy block has none of it. */
export interface Facets {
  readonly workType?: string;
  readonly status?: string;
  readonly tags?: readonly string[];
}

/** Tell whether an item of this type, status and tags should be shown. */
export function passes(filter: Filter, { workType, status, tags = [] }: Facets): boolean {
  const keys = tags.map(tagKey);
  const isTagged = filter.tags.length === 0 || filter.tags.some((tag) => keys.includes(tagKey(tag)));
  return accepts(filter.types, workType) && accepts(filter.statuses, status) && isTagged;
}

/** Return the tags in a text with commas between them. */
export function readTags(text: string): readonly string[] {
  return text.split(",").flatMap((tag) => tag.trim() || []);
}

/** Return the texts of a field to suggest: what is typed up to the last comma, and after it each other tag once. */
export function suggestedTags(typed: string, known: Iterable<string>): readonly string[] {
  const start = /^.*,\s*/.exec(typed)?.[0] ?? "";
  const taken = new Set(readTags(start).map(tagKey));
  const others = new Map<string, string>();
  for (const tag of known) if (!taken.has(tagKey(tag))) others.set(tagKey(tag), tag);
  return [...others.values()].sort((one, other) => one.localeCompare(other)).map((tag) => start + tag);
}

function tagKey(tag: string): string {
  return tag.toUpperCase().toLowerCase();
}

function accepts(wanted: readonly string[], value: string | undefined): boolean {
  return wanted.length === 0 || (value !== undefined && wanted.includes(value));
}

function list(text: string | null): readonly string[] {
  return (text ?? "").split(",").filter((one) => /^[a-z_]+$/.test(one));
}
