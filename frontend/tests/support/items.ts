/** Provides short ways to write items and states in tests. */
import type { FullItem } from "../../src/protocol/item";
import type { State } from "../../src/protocol/state";

export const CALENDAR = "11111111-1111-4111-8111-111111111111";
export const OTHER = "11111111-1111-4111-8111-222222222222";

export function uuid(number: number): string {
  return `22222222-2222-4222-8222-${String(number).padStart(12, "0")}`;
}

export function state(revision: number, nonce = revision): State {
  return `${revision}.${nonce.toString(16).padStart(16, "0")}` as State;
}

export function item(number: number, at: State, changes: Partial<FullItem> = {}): FullItem {
  return {
    id: uuid(number),
    calendar: CALENDAR,
    state: at,
    title: `Item ${number}`,
    start: "2026-11-23T09:00:00Z",
    end: "2026-11-23T10:00:00Z",
    allDay: false,
    timeZone: "Asia/Manila",
    color: null,
    workType: "task",
    status: "not_started",
    priority: "medium",
    progress: 0,
    visibility: "normal",
    parent: null,
    assignees: [],
    description: "",
    location: "",
    tags: [],
    rrule: null,
    exdates: [],
    seriesId: null,
    recurrenceId: null,
    url: null,
    createdBy: null,
    updatedBy: null,
    ...changes,
  };
}

const DAY_MS = 86_400_000;
const FIRST = Date.parse("2026-11-01T00:00:00Z");

export function dayMs(day: number): number {
  return FIRST + day * DAY_MS;
}

export function days(from: number, to: number): { readonly start: number; readonly end: number } {
  return { start: dayMs(from), end: dayMs(to) };
}

/** Return the dates of an hour on a day, as the wire has them. */
export function onDay(day: number): Pick<FullItem, "start" | "end"> {
  const iso = (ms: number) => new Date(ms).toISOString().replace(".000Z", "Z");
  return { start: iso(dayMs(day)), end: iso(dayMs(day) + 3_600_000) };
}
