/** Turns an item into FullCalendar's event input, and an event back into its item. */
import type { EventApi, EventInput } from "fullcalendar";
import type { LiveReader } from "../client/live-reader";
import { type Item, type ItemKey, isBusy, readItem } from "../protocol/item";
import { mayEdit } from "../protocol/roles";

const PREFIX = "live~";

/** Return the deterministic defId of an item. It names the calendar too, because an item may move between calendars. */
export function defIdOf({ calendar, id }: ItemKey): string {
  return `${PREFIX}${calendar}~${id}`;
}

/** Return the key in a defId, or null for events that do not belong to this plug-in. */
export function keyOfDefId(defId: string): ItemKey | null {
  if (!defId.startsWith(PREFIX)) return null;
  const [calendar = "", id = ""] = defId.slice(PREFIX.length).split("~");
  return { calendar, id };
}

/**
 * Give an event its defId (one of the `eventDefMemberAdders`). FullCalendar would number its definitions anew with
 * every fetch.
 */
export function liveDefMembers(refined: { readonly liveKey?: string }): { defId?: string } {
  return refined.liveKey === undefined ? {} : { defId: PREFIX + refined.liveKey };
}

/** Return the event input of an item. Its `extendedProps` are the item itself. */
export function eventInput(client: LiveReader, item: Item): EventInput {
  const info = client.calendarInfo(item.calendar);
  const color = (isBusy(item) ? null : item.color) ?? info?.color;
  const readOnly = isBusy(item) || (info !== undefined && !mayEdit(info));
  return {
    id: item.id,
    liveKey: `${item.calendar}~${item.id}`,
    title: isBusy(item) ? client.busyTitle : item.title,
    start: item.start,
    end: item.end === item.start ? justAfter(item.start) : item.end,
    allDay: item.allDay,
    extendedProps: { ...item },
    ...(color === undefined ? {} : { color }),
    ...(readOnly ? { editable: false } : {}),
    ...(isBusy(item) || item.url === null ? {} : { url: item.url }),
  };
}

/**
 * Return the end to use for an item that ends when it begins. FullCalendar takes such an end for none and assumes an
 * hour, which late in the evening reaches into another day.
 */
function justAfter(start: string): string {
  return new Date(Date.parse(start) + 1).toISOString();
}

/** Return the item that an event shows, or null if the event does not belong to this plug-in. */
export function readLiveItem(
  event: Pick<EventApi, "extendedProps">,
): { readonly key: ItemKey; readonly item: Item } | null {
  const item = readItem(event.extendedProps);
  return item && { key: { calendar: item.calendar, id: item.id }, item };
}
