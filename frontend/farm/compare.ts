/** Waits until the pictures of the clients equal a fresh feed, and reports every difference that remains. */
import { setTimeout as sleep } from "node:timers/promises";
import { isInRange } from "../src/core/range";
import type { Item } from "../src/protocol/item";
import { type Person, readFeed } from "./person";

const CHECK_AGAIN_MS = 50;

interface Fresh {
  readonly state: string | null;
  /** The items as text, by id; null if this reader may not see the calendar. */
  readonly items: ReadonlyMap<string, string> | null;
}

export interface Difference {
  readonly client: string;
  readonly calendar: string;
  readonly what: string;
}

/**
 * Compare all clients with feeds that are requested now and are no older than `revisions`, until all are equal or the
 * time is up.
 */
export async function compare(
  people: readonly Person[],
  revisions: Readonly<Record<string, number>>,
  timeoutMs: number,
): Promise<{ readonly differences: Difference[]; readonly compared: number; readonly feeds: number }> {
  const deadline = performance.now() + timeoutMs;
  const feeds = new Map<string, Fresh>();
  let left = people.flatMap((person) => person.options.calendars.map((calendar) => ({ person, calendar })));
  const compared = left.length;
  for (;;) {
    const differences: Difference[] = [];
    const still: typeof left = [];
    for (const one of left) {
      const { person, calendar } = one;
      const what = difference(person, calendar, await freshFeed(feeds, person, calendar, revisions[calendar] ?? 0));
      if (what === null) continue;
      still.push(one);
      differences.push({ client: person.options.name, calendar, what });
    }
    left = still;
    if (left.length === 0 || performance.now() > deadline) return { differences, compared, feeds: feeds.size };
    await sleep(CHECK_AGAIN_MS);
  }
}

async function freshFeed(
  feeds: Map<string, Fresh>,
  { options: { site, cookies, range } }: Person,
  calendar: string,
  minRevision: number,
): Promise<Fresh | string> {
  const key = `${cookies} ${calendar} ${range.start} ${range.end}`;
  const known = feeds.get(key);
  if (known !== undefined) return known;
  const query = new URLSearchParams({
    start: new Date(range.start).toISOString(),
    end: new Date(range.end).toISOString(),
    min_revision: String(minRevision),
  });
  try {
    const response = await fetch(`${site}/api/calendars/${calendar}/feed/?${query}`, { headers: { Cookie: cookies } });
    const items = readFeed(await response.json());
    if (response.status === 404) feeds.set(key, { state: null, items: null });
    else if (!response.ok || items === null) return `the feed answered ${response.status}`;
    else feeds.set(key, { state: response.headers.get("Calendar-State"), items: asText(items) });
    return feeds.get(key) ?? "";
  } catch (error) {
    return `the feed did not answer: ${error}`;
  }
}

function difference(person: Person, calendar: string, fresh: Fresh | string): string | null {
  if (typeof fresh === "string") return fresh;
  // The store also has what was pushed for other times. A calendar on screen shows the part in its range.
  const shown = asText(person.shown(calendar).filter((item) => isInRange(item, person.options.range)));
  const state = person.state(calendar);
  if (fresh.items === null) return shown.size === 0 ? null : `${shown.size} items of a calendar that is not theirs`;
  if (!person.isLive) return `is ${person.client.status()}`;
  if (state?.cursor !== fresh.state)
    return `is at ${state?.cursor} (generation ${state?.generation}), the feed at ${fresh.state}`;
  if (person.client.isLoading(calendar)) return "is loading";
  const lacks = [...fresh.items.keys()].filter((id) => !shown.has(id));
  const extra = [...shown.keys()].filter((id) => !fresh.items?.has(id));
  const other = [...shown].filter(([id, text]) => fresh.items?.has(id) && fresh.items.get(id) !== text);
  if (lacks.length + extra.length + other.length === 0) return null;
  return `lacks ${lacks.slice(0, 3)}, has ${extra.slice(0, 3)} beyond the feed, differs in ${other.slice(0, 3)} (${lacks.length}, ${extra.length}, ${other.length})`;
}

function asText(items: readonly Item[]): Map<string, string> {
  return new Map(items.map((item) => [item.id, JSON.stringify(item)]));
}
