/** Sets how a calendar and its items appear, here and behind a public link, and how dates are written. */
import type { CalendarOptions } from "fullcalendar";
import { firstDay, pageLocale, readerLocale } from "../words/locale";
import { fill, type PageData } from "../words/page-data";
import { dayHead, dayHeadClass } from "./day-head";
import { itemClass, itemContent } from "./item-appearance";
import { keepOnScreen } from "./popover";
import { viewType } from "./toolbar";

/** What the appearance needs from its page. */
export interface AppearancePage {
  readonly texts: Readonly<Record<"more" | "allDay" | "noItems", string>>;
  readonly labels: PageData["labels"];
}

/** Return the options that set the appearance. */
export function appearance(page: AppearancePage): CalendarOptions {
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
