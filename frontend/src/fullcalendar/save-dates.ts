/** Saves a drag or a resize. Shown at once by the overlay, put back by its end when it is refused. Never writes anything but dates. */
import type { EventApi, EventDropInfo, EventResizeDoneInfo } from "fullcalendar";
import type { ApiError, Result } from "../client/http";
import type { LiveClient } from "../client/live-client";
import type { Written } from "../client/writing";
import { readLiveItem } from "./event-input";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** PATCH the dates an event was dropped at. Refused: it goes back visibly, and the error says why; `gone` when it was deleted meanwhile. */
export async function saveDates(
  client: LiveClient,
  info: Pick<EventDropInfo | EventResizeDoneInfo, "event" | "oldEvent">,
): Promise<Result<Written>> {
  const live = readLiveItem(info.oldEvent);
  if (live === null) return refused({ status: 0, code: "invalid", detail: "This event is not a live one." });
  const { key, item } = live;
  if (client.item(key) === undefined) {
    client.repaint(key);
    return refused({ status: 0, code: "gone", detail: "The item was deleted meanwhile." });
  }
  const result = await client.patchItem(key, datesOf(info.event), { state: item.state });
  if (!result.ok) client.repaint(key);
  return result;
}

function refused(error: ApiError): Result<Written> {
  return { ok: false, error };
}

/** Return an event's dates as the wire writes them. */
export function datesOf(event: Pick<EventApi, "start" | "end" | "startStr" | "endStr" | "allDay">): {
  readonly start: string;
  readonly end: string;
  readonly allDay: boolean;
} {
  const start = event.start ?? new Date(Number.NaN);
  if (!event.allDay) {
    // FullCalendar drops the end of an event that becomes timed; it shows an hour.
    const end = event.end ?? new Date(start.getTime() + HOUR_MS);
    return { start: instant(start), end: instant(end), allDay: false };
  }
  const first = event.startStr.slice(0, 10);
  const last = event.endStr === "" ? nextDay(first) : event.endStr.slice(0, 10);
  return { start: first, end: last, allDay: true };
}

function instant(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

function nextDay(date: string): string {
  return new Date(Date.parse(date) + DAY_MS).toISOString().slice(0, 10);
}
