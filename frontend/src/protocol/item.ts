/** Defines the event object of feed, push and API, and checks it. */
import {
  type Check,
  isFlag,
  isObject,
  isText,
  isUuid,
  isWhole,
  type JsonObject,
  listOf,
  orNull,
  wrongField,
} from "./checks";
import { isState, type State } from "./state";

interface ItemBase {
  /** A raw lower-case UUID: the same in the database, the feed, the push and the DOM. */
  readonly id: string;
  readonly calendar: string;
  /** The state of its last change: its version and ETag. */
  readonly state: State;
  /** `"2026-11-22T09:00:00Z"` (UTC), or `"2026-11-22"` when all-day. */
  readonly start: string;
  /** Exclusive; in the form of `start`, and never before it. */
  readonly end: string;
  readonly allDay: boolean;
  readonly timeZone: string;
  readonly rrule: string | null;
  readonly exdates: readonly string[];
}

/** What a "freebusy" receiver sees of an item, and a "shared" one of a private item. The client writes "Busy" in its own language. */
export interface BusyItem extends ItemBase {
  readonly busy: true;
}

export type WorkType = "project" | "activity" | "task" | "meeting";
export type WorkStatus = "not_started" | "in_progress" | "at_risk" | "blocked" | "completed" | "cancelled";
export type Priority = "low" | "medium" | "high" | "urgent" | "critical";
export type Visibility = "normal" | "private" | "secret";

/** A whole work item. People are ids; their names are in the calendar's people list. */
export interface FullItem extends ItemBase {
  readonly title: string;
  /** `#rrggbb`, or null: the calendar's. */
  readonly color: string | null;
  readonly workType: WorkType;
  readonly status: WorkStatus;
  readonly priority: Priority;
  /** 0 to 100. */
  readonly progress: number;
  readonly visibility: Visibility;
  readonly parent: string | null;
  readonly assignees: readonly string[];
  readonly description: string;
  readonly location: string;
  readonly seriesId: string | null;
  readonly recurrenceId: string | null;
  readonly url: string | null;
  readonly createdBy: string | null;
  readonly updatedBy: string | null;
}

export type Item = FullItem | BusyItem;

/** A work item's name on a page: ids repeat when an item moves between calendars. */
export interface ItemKey {
  readonly calendar: string;
  readonly id: string;
}

/** Tell whether an item is a "Busy" block. */
export function isBusy(item: Item): item is BusyItem {
  return "busy" in item;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const isColor: Check = (value) => typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value);

const BASE: Readonly<Record<string, Check>> = {
  id: isUuid,
  calendar: isUuid,
  state: isState,
  start: isText,
  end: isText,
  allDay: isFlag,
  timeZone: isText,
  rrule: orNull(isText),
  exdates: listOf(isText),
};

const FULL: Readonly<Record<string, Check>> = {
  ...BASE,
  title: isText,
  color: orNull(isColor),
  // Words, not the words of today: a page that is older than its server must not stumble over a new status.
  workType: isText,
  status: isText,
  priority: isText,
  progress: isWhole,
  visibility: isText,
  parent: orNull(isUuid),
  assignees: listOf(isText),
  description: isText,
  location: isText,
  seriesId: orNull(isUuid),
  recurrenceId: orNull(isText),
  url: orNull(isText),
  createdBy: orNull(isText),
  updatedBy: orNull(isText),
};

/** Tell whether a value is a full or busy item. */
export function isItem(value: unknown): value is Item {
  return faultOf(value) === null;
}

function faultOf(value: unknown): string | null {
  if (!isObject(value)) return "not a JSON object";
  const wrong = wrongField(value, value.busy === true ? BASE : FULL) ?? wrongTime(value);
  return wrong === null ? null : `${wrong}: missing or wrong`;
}

function wrongTime(value: JsonObject): string | null {
  const shape = value.allDay ? DATE : INSTANT;
  const { start, end } = value as { readonly start: string; readonly end: string };
  if (!shape.test(start) || Number.isNaN(Date.parse(start))) return "start";
  return shape.test(end) && Date.parse(start) <= Date.parse(end) ? null : "end";
}

/** What stands where an item should, and is none. Without a usable id, nothing can be taken off the screen for it. */
export interface Unreadable {
  readonly id: string | null;
  readonly detail: string;
}

/** Return the items of a calendar among values of a frame or a feed, and what the others are: one of them is not all of them. */
export function readItems(
  values: readonly unknown[],
  calendar: string,
): { readonly items: readonly Item[]; readonly unreadable: readonly Unreadable[] } {
  const items: Item[] = [];
  const unreadable: Unreadable[] = [];
  for (const value of values) {
    if (isItem(value) && value.calendar === calendar) items.push(value);
    else unreadable.push(unreadableOf(value));
  }
  return { items, unreadable };
}

function unreadableOf(value: unknown): Unreadable {
  const id = isObject(value) && isUuid(value.id) ? value.id : null;
  return { id, detail: `item ${id ?? "without an id"}: ${faultOf(value) ?? "of another calendar"}` };
}
