/** Makes the page's FullCalendar: its items can be clicked, dragged and resized, and new ones drawn. */
import { Calendar, type EventChangeInfo } from "fullcalendar";
import dayGridPlugin from "fullcalendar/daygrid";
import interactionPlugin from "fullcalendar/interaction";
import listPlugin from "fullcalendar/list";
import breezyTheme from "fullcalendar/themes/breezy";
import timeGridPlugin from "fullcalendar/timegrid";
import {
  type ItemKey,
  type LiveClient,
  liveEventSource,
  livePlugin,
  readLiveItem,
  saveDates,
} from "../../fullcalendar";
import type { Toasts } from "../notice/toasts";
import { fill, type PageData, shortTitle } from "../words/page-data";
import { reasonOf } from "../words/refusals";
import { appearance } from "./appearance";
import type { Span } from "./new-span";
import { viewType } from "./toolbar";
import type { Place } from "./view-place";

interface Parts {
  readonly element: HTMLElement;
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
  readonly place: Place;
  /** Called when the user has drawn the span of a new item. */
  create(span: Span): void;
  /** Called when the user has clicked an item. */
  open(key: ItemKey): void;
}

/** Return the calendar before it is rendered. */
export function makeCalendar(parts: Parts): Calendar {
  const { element, client, page, place } = parts;
  return new Calendar(element, {
    plugins: [dayGridPlugin, timeGridPlugin, listPlugin, interactionPlugin, breezyTheme, livePlugin],
    eventSources: client.calendars().map((info) => liveEventSource(client, info.id)),
    initialView: viewType(place.view),
    initialDate: place.date,
    ...appearance(page),
    editable: true,
    eventResizableFromStart: true,
    selectMirror: true,
    unselectAuto: false,
    longPressDelay: 400,
    select: (span) => parts.create({ start: span.startStr, end: span.endStr, allDay: span.allDay }),
    eventClick: (info) => {
      info.jsEvent.preventDefault();
      const live = readLiveItem(info.event);
      if (live) parts.open(live.key);
    },
    eventDrop: (info) => void saveMoved(parts, info),
    eventResize: (info) => void saveMoved(parts, info),
    loading: (on) => element.setAttribute("aria-busy", String(on)),
    eventDidMount: ({ el, event }) => {
      el.dataset["item"] = event.id;
    },
  });
}

async function saveMoved({ client, page, toasts }: Parts, info: EventChangeInfo): Promise<void> {
  const title = shortTitle(info.oldEvent.title);
  const result = await saveDates(client, info);
  // If the item was deleted in the meantime, the page said so when it happened.
  if (result.ok || result.error.code === "gone") return;
  toasts.show(fill(page.texts.notMoved, { title, reason: reasonOf(result.error, page, client) }));
}
