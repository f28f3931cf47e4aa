/** Saves the dates of a dragged or resized event, and puts the event back if the server refuses. */
import type { EventApi, EventChangeInfo } from "fullcalendar";
import type { ApiError, Result } from "../client/api/http";
import type { Written } from "../client/api/items";
import type { LiveClient } from "../client/live-client";
import type { Item } from "../protocol/item";
import { readLiveItem } from "./event-input";
import { movedEnd } from "./length";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * PATCH the dates at which an event was dropped. If the server refuses, the event goes back visibly and the error says
 * why. The error's code is `gone` if the item was deleted in the meantime.
 */
export async function saveDates(client: LiveClient, info: Change): Promise<Result<Written>> {
  const live = readLiveItem(info.oldEvent);
  if (live === null) return refused({ status: 0, code: "invalid", detail: "This event is not a live one." });
  const { key, item } = live;
  if (client.item(key) === undefined) {
    client.repaint(key);
    return refused({ status: 0, code: "gone", detail: "The item was deleted meanwhile." });
  }
  const result = await client.patchItem(key, datesOf(info, item), { state: item.state });
  if (!result.ok) client.repaint(key);
  return result;
}

function refused(error: ApiError): Result<Written> {
  return { ok: false, error };
}

/** A drag (which has a `delta`), a resize, or any other change of an event. */
type Change = Pick<EventChangeInfo, "event" | "oldEvent"> & { readonly delta?: unknown };

interface Dates {
  readonly start: string;
  readonly end: string;
  readonly allDay: boolean;
}

/**
 * Return the dates that a change gives an item, as the wire writes them. However it is dragged, the item itself says
 * how long it is.
 */
export function datesOf({ event, oldEvent, delta }: Change, item: Item): Dates {
  if (event.allDay) {
    const first = event.startStr.slice(0, 10);
    const days = oldEvent.allDay ? 1 : daysOf(oldEvent, item);
    return { start: first, end: event.endStr.slice(0, 10) || addDays(first, days), allDay: true };
  }
  const start = event.start?.getTime() ?? Number.NaN;
  const span = { start: Date.parse(item.start), end: Date.parse(item.end) };
  const isMoved = delta !== undefined && !oldEvent.allDay;
  // FullCalendar drops the end of an event that becomes timed, and shows an hour.
  const end = isMoved ? movedEnd(span, start, item.timeZone) : (event.end?.getTime() ?? start + HOUR_MS);
  return { start: instant(start), end: instant(end), allDay: false };
}

/** Return on how many days a timed event appears. An end at midnight adds no day. */
function daysOf(event: Pick<EventApi, "startStr" | "endStr">, item: Item): number {
  if (item.start === item.end) return 1;
  const [first, last] = [event.startStr, event.endStr].map((text) => Date.parse(text.slice(0, 10)));
  return ((last ?? 0) - (first ?? 0)) / DAY_MS + (event.endStr.startsWith("00:00:00", 11) ? 0 : 1);
}

function instant(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10);
}
