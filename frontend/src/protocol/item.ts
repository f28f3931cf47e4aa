/**
 * Defines the event object of feed, push and API. Each field is declared once, and the types and the guard follow from
 * that.
 */
import {
  type Check,
  type Guard,
  isFlag,
  isObject,
  isText,
  isUuid,
  isWhole,
  type JsonObject,
  listOf,
  wrongField,
} from "./checks";
import { isState } from "./state";

export type WorkType = "project" | "activity" | "task" | "meeting";
export type WorkStatus = "not_started" | "in_progress" | "at_risk" | "blocked" | "completed" | "cancelled";
export type Priority = "low" | "medium" | "high" | "urgent" | "critical";
export type Visibility = "normal" | "private" | "secret";

interface Declared {
  /** What a value of the field is. */
  readonly is: Guard<unknown>;
  /** The value that the field has when the wire leaves it out. A field without this is never left out. */
  readonly neutral?: null | readonly never[];
  /** Busy blocks have it, too. */
  readonly busy?: true;
  /** A client may set it. Dates are set together. */
  readonly set?: "alone" | "dates";
}

/** Accepts any word, not only today's: a page that is older than its server must not fail on a new status. */
function isWord<Word extends string>(value: unknown): value is Word {
  return isText(value);
}

const isColor = (value: unknown): value is string => isText(value) && /^#[0-9a-f]{6}$/i.test(value);

/** An address of http or https, or one below the site's address. No other may be followed. */
function isLink(value: unknown): value is string {
  return isText(value) && /^(https?:|[^:/?#]*([/?#]|$))/i.test(value);
}

const DECLARED = {
  /** A raw lower-case UUID: the same in the database, the feed, the push and the DOM. */
  id: { is: isUuid, busy: true },
  calendar: { is: isUuid, busy: true },
  /** The state of its last change: its version and ETag. */
  state: { is: isState, busy: true },
  title: { is: isText, set: "alone" },
  /** `"2026-11-22T09:00:00Z"` (UTC), or `"2026-11-22"` when all-day. */
  start: { is: isText, busy: true, set: "dates" },
  /** Exclusive, in the form of `start`, and never before it. */
  end: { is: isText, busy: true, set: "dates" },
  allDay: { is: isFlag, busy: true, set: "dates" },
  timeZone: { is: isText, busy: true, set: "alone" },
  /** `#rrggbb`, or null for the calendar's colour. */
  color: { is: isColor, neutral: null, set: "alone" },
  workType: { is: isWord<WorkType>, set: "alone" },
  status: { is: isWord<WorkStatus>, set: "alone" },
  priority: { is: isWord<Priority>, set: "alone" },
  /** 0 to 100. */
  progress: { is: isWhole, set: "alone" },
  visibility: { is: isWord<Visibility>, set: "alone" },
  parent: { is: isUuid, neutral: null, set: "alone" },
  /** Ids. Their names are in the calendar's list of people, like those of `createdBy` and `updatedBy`. */
  assignees: { is: listOf(isText), set: "alone" },
  description: { is: isText, set: "alone" },
  location: { is: isText, set: "alone" },
  tags: { is: listOf(isText), neutral: [], set: "alone" },
  rrule: { is: isText, neutral: null, busy: true },
  exdates: { is: listOf(isText), busy: true },
  seriesId: { is: isUuid, neutral: null },
  recurrenceId: { is: isText, neutral: null },
  url: { is: isLink, neutral: null, set: "alone" },
  createdBy: { is: isText, neutral: null },
  updatedBy: { is: isText, neutral: null },
} as const satisfies Readonly<Record<string, Declared>>;

type Fields = typeof DECLARED;
type NamesOf<Use> = { [Name in keyof Fields]: Fields[Name] extends Use ? Name : never }[keyof Fields];

/** A whole work item. */
export type FullItem = {
  readonly [Name in keyof Fields]:
    | (Fields[Name]["is"] extends Guard<infer Value> ? Value : never)
    | (Fields[Name] extends { readonly neutral: null } ? null : never);
};

/**
 * What a `freebusy` receiver sees of any item, and a `shared` receiver of a private one. The client writes "Busy" in
 * its own language.
 */
export type BusyItem = Pick<FullItem, NamesOf<{ readonly busy: true }>> & { readonly busy: true };

export type Item = FullItem | BusyItem;

/**
 * The name of a work item on a page. It includes the calendar, because an id keeps its value when its item moves to
 * another calendar.
 */
export interface ItemKey {
  readonly calendar: string;
  readonly id: string;
}

/** A field of an item that a client may set. */
export type SettableField = NamesOf<{ readonly set: string }>;

const FIELDS = Object.entries<Declared>(DECLARED);

function namesOf(isOne: (field: Declared) => boolean): readonly SettableField[] {
  return FIELDS.flatMap(([name, field]) => (isOne(field) ? [name as SettableField] : []));
}

/** The fields that a client may set, in the order of the wire. */
export const SETTABLE: readonly SettableField[] = namesOf(({ set }) => set !== undefined);
/** The fields that are set together. */
export const DATES: readonly SettableField[] = namesOf(({ set }) => set === "dates");

/** Tell whether an item is a "Busy" block. */
export function isBusy(item: Item): item is BusyItem {
  return "busy" in item;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const BUSY = FIELDS.filter(([, { busy }]) => busy);
const FULL_CHECKS = checksOf(FIELDS);
const BUSY_CHECKS = checksOf(BUSY);
const FULL_NEUTRAL = neutralOf(FIELDS);
const BUSY_NEUTRAL = neutralOf(BUSY);

type Entries = readonly (readonly [string, Declared])[];

function checksOf(fields: Entries): Readonly<Record<string, Check>> {
  return Object.fromEntries(fields.map(([name, field]) => [name, checkOf(field)]));
}

/** Older servers write null where newer ones leave a field out. */
function checkOf({ is, neutral }: Declared): Check {
  if (neutral === undefined) return is;
  return (value) => value === undefined || (value === null && neutral === null) || is(value);
}

function neutralOf(fields: Entries): readonly (readonly [string, unknown])[] {
  return fields.flatMap(([name, { neutral }]) => (neutral === undefined ? [] : [[name, neutral] as const]));
}

/**
 * Return the full or busy item that a value is, with the fields that the wire leaves out; null if the value is not an
 * item.
 */
export function readItem(value: unknown): Item | null {
  return isObject(value) && faultOf(value) === null ? completed(value) : null;
}

/** Return the same object, unless a field is missing. */
function completed(value: JsonObject): Item {
  const missing = (value.busy === true ? BUSY_NEUTRAL : FULL_NEUTRAL).filter(([name]) => value[name] === undefined);
  return (missing.length === 0 ? value : { ...value, ...Object.fromEntries(missing) }) as unknown as Item;
}

function faultOf(value: unknown): string | null {
  if (!isObject(value)) return "not a JSON object";
  const wrong = wrongField(value, value.busy === true ? BUSY_CHECKS : FULL_CHECKS) ?? wrongTime(value);
  return wrong === null ? null : `${wrong}: missing or wrong`;
}

function wrongTime(value: JsonObject): string | null {
  const shape = value.allDay ? DATE : INSTANT;
  const { start, end } = value as { readonly start: string; readonly end: string };
  if (!shape.test(start) || Number.isNaN(Date.parse(start))) return "start";
  return shape.test(end) && Date.parse(start) <= Date.parse(end) ? null : "end";
}

/**
 * A value that stands where an item should, and is not one. Without a usable id, nothing can be taken off the screen
 * for it.
 */
export interface Unreadable {
  readonly id: string | null;
  readonly detail: string;
}

/**
 * Return the items of a calendar among the values of a frame or a feed, and what is wrong with the other values. A bad
 * value affects no other.
 */
export function readItems(
  values: readonly unknown[],
  calendar: string,
): { readonly items: readonly Item[]; readonly unreadable: readonly Unreadable[] } {
  const items: Item[] = [];
  const unreadable: Unreadable[] = [];
  for (const value of values) {
    const item = readItem(value);
    if (item?.calendar === calendar) items.push(item);
    else unreadable.push(unreadableOf(value));
  }
  return { items, unreadable };
}

function unreadableOf(value: unknown): Unreadable {
  const id = isObject(value) && isUuid(value.id) ? value.id : null;
  return { id, detail: `item ${id ?? "without an id"}: ${faultOf(value) ?? "of another calendar"}` };
}
