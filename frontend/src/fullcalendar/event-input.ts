/** Turns an item into FullCalendar's event input, and an event back into its item. */
import type { EventApi, EventInput } from "fullcalendar";
import type { LiveReader } from "../client/live-reader";
import { type Item, type ItemKey, isBusy, readItem } from "../protocol/item";
import { mayEdit } from "../protocol/roles";

const PREFIX = "live~";

/** Return an item's deterministic defId: by calendar and id, as an item may move between calendars. */
export function defIdOf({ calendar, id }: ItemKey): string {
  return `${PREFIX}${calendar}~${id}`;
}

/** Return the key in a defId, or null for events that are not this plug-in's. */
export function keyOfDefId(defId: string): ItemKey | null {
  if (!defId.startsWith(PREFIX)) return null;
  const [calendar = "", id = ""] = defId.slice(PREFIX.length).split("~");
  return { calendar, id };
}

/** `eventDefMemberAdders`: FullCalendar would number its definitions anew with every fetch. */
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

/** An item that ends as it begins is none to FullCalendar, which would give it an hour, and so another day late in the evening. */
function justAfter(start: string): string {
  return new Date(Date.parse(start) + 1).toISOString();
}

/** Return the item an event shows, or null when it is not one of this plug-in's. */
export function readLiveItem(
  event: Pick<EventApi, "extendedProps">,
): { readonly key: ItemKey; readonly item: Item } | null {
  const item = readItem(event.extendedProps);
  return item && { key: { calendar: item.calendar, id: item.id }, item };
}
