/** FullCalendar, set up for this page: its views and their look, and what a click, a selection and a drag do. */
import { Calendar, type CalendarOptions, type EventChangeInfo } from "fullcalendar";
import dayGridPlugin from "fullcalendar/daygrid";
import interactionPlugin from "fullcalendar/interaction";
import listPlugin from "fullcalendar/list";
import breezyTheme from "fullcalendar/themes/breezy";
import timeGridPlugin from "fullcalendar/timegrid";
import { type ApiError, type LiveClient, liveEventSource, livePlugin, readLiveItem, saveDates } from "../fullcalendar";
import { dayHead, dayHeadClass } from "./day-head";
import type { ItemDialog } from "./item-dialog";
import { itemClass, itemContent } from "./item-look";
import { firstDay, pageLocale, readerLocale } from "./locale";
import { newSpan } from "./new-span";
import { fill, type PageData, shortTitle } from "./page-data";
import { changedBy } from "./people";
import { keepOnScreen } from "./popover";
import type { Toasts } from "./toasts";
import { viewType } from "./toolbar";
import type { Undos } from "./undo";
import type { Place } from "./view-place";

interface Parts {
  readonly element: HTMLElement;
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
  readonly dialog: ItemDialog;
  readonly undos: Undos;
  readonly place: Place;
}

/** Return the calendar, not rendered yet. */
export function makeCalendar(parts: Parts): Calendar {
  const { element, client, page, dialog, place } = parts;
  const calendar = new Calendar(element, {
    plugins: [dayGridPlugin, timeGridPlugin, listPlugin, interactionPlugin, breezyTheme, livePlugin],
    eventSources: client.calendars().map((info) => liveEventSource(client, info.id)),
    initialView: viewType(place.view),
    initialDate: place.date,
    ...looks(page),
    editable: true,
    eventResizableFromStart: true,
    selectMirror: true,
    unselectAuto: false,
    longPressDelay: 400,
    select: (span) => {
      void dialog.create({ start: span.startStr, end: span.endStr, allDay: span.allDay });
    },
    eventClick: (info) => {
      info.jsEvent.preventDefault();
      const live = readLiveItem(info.event);
      if (live) void dialog.open(live.key);
    },
    eventDrop: (info) => void saveMoved(parts, info),
    eventResize: (info) => void saveMoved(parts, info),
    loading: (on) => element.setAttribute("aria-busy", String(on)),
    eventDidMount: ({ el, event }) => {
      el.dataset["item"] = event.id;
    },
  });
  dialog.newSpan = () => newSpan(calendar.view, calendar.getDate(), new Date());
  dialog.onClose = () => calendar.unselect();
  client.on("heldItemChanged", (news) => {
    // What a dialog holds, the dialog tells.
    if (news.change === "deleted" && !dialog.shows(news.key)) {
      const person = news.actor?.name ?? page.texts.someone;
      const title = shortTitle(titleOf(news.before));
      parts.undos.tellDeleted(news.key, fill(page.texts.deletedWhileMoving, { person, title }));
    }
  });
  return calendar;
}

/** What the looks of a calendar need of its page. */
export interface Looks {
  readonly texts: Readonly<Record<"more" | "allDay" | "noItems", string>>;
  readonly labels: PageData["labels"];
}

/** Return how a calendar and its items look, and how dates and times are written. */
export function looks(page: Looks): CalendarOptions {
  const hour12 = new Intl.DateTimeFormat(readerLocale(), { hour: "numeric" }).resolvedOptions().hour12 ?? false;
  return {
    locale: pageLocale(),
    headerToolbar: false,
    height: "100%",
    borderless: true,
    firstDay: firstDay(),
    navLinks: true,
    navLinkDayClick: viewType("day"),
    nowIndicator: true,
    scrollTime: "07:30:00",
    dayMaxEvents: true,
    moreLinkText: (count) => fill(page.texts.more, { count }),
    allDayText: page.texts.allDay,
    noEventsText: page.texts.noItems,
    noEventsClass: "nothing",
    eventTimeFormat: { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit", hour12 },
    slotHeaderFormat: { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit", hour12 },
    slotEventOverlap: false,
    eventMinHeight: 22,
    eventShortHeight: 52,
    eventClass: itemClass,
    blockEventClass: (info) => `item--block ${info.isStart ? "item--start" : ""}`,
    columnEventClass: (info) => `item--column ${info.isShort ? "item--short" : "item--tall"}`,
    columnEventInnerClass: "item__inner",
    listItemEventClass: "item--line",
    rowMoreLinkClass: "more",
    popoverClass: "day-list",
    dayHeaderDidMount: keepOnScreen,
    eventContent: (info) => itemContent(info, page),
    views: {
      list: {
        listDaysClass: "agenda",
        listDayHeaderClass: "agenda__day",
        listDayBodyClass: "agenda__items",
        listItemEventClass: "item--entry",
        listItemEventInnerClass: "entry",
        listDayAltFormat: { month: "short", day: "numeric" },
      },
      month: { titleFormat: { month: "long", year: "numeric" }, dayRowClass: "month-week" },
      week: {
        titleFormat: { month: "short", day: "numeric", year: "numeric" },
        dayHeaderContent: dayHead,
        dayHeaderInnerClass: dayHeadClass,
      },
      day: { titleFormat: { weekday: "short", month: "short", day: "numeric", year: "numeric" } },
    },
  };
}

async function saveMoved({ client, page, toasts }: Parts, info: EventChangeInfo): Promise<void> {
  const title = shortTitle(info.oldEvent.title);
  const result = await saveDates(client, info);
  // Deleted meanwhile: that was said when it happened.
  if (result.ok || result.error.code === "gone") return;
  toasts.show(fill(page.texts.notMoved, { title, reason: reasonOf(result.error, page, client) }));
}

/** Return why something was refused, in plain words. */
export function reasonOf(error: ApiError, page: PageData, client?: LiveClient): string {
  if (error.code === "network") return page.texts.noConnection;
  if (error.code === "stale" && error.current && client) {
    return fill(page.texts.changedMeanwhileBy, { person: changedBy(error, client, page) });
  }
  if (error.code === "stale") return page.texts.changedMeanwhile;
  return error.code === "forbidden" ? page.texts.notAllowed : saidOf(error, page);
}

/** Return what to say of a refusal, as a sentence of its own. */
export function complaintOf(error: ApiError, page: PageData): string {
  return error.code === "network" ? page.texts.shareNoConnection : saidOf(error, page);
}

function saidOf(error: ApiError, page: PageData): string {
  if (error.code === "signed_out") return page.texts.signedOutHint;
  if (!isWorded(error)) return page.texts.unexpected;
  return Object.values(error.fields ?? {})[0]?.[0] ?? error.detail;
}

/** Whether the site has worded an error for people: what the library or a proxy says of an answer is for developers. */
function isWorded({ status, code }: ApiError): boolean {
  return status !== 0 && code !== "unreadable" && !code.startsWith("http_");
}

function titleOf(item: object): string {
  return "title" in item ? String(item.title) : "";
}
