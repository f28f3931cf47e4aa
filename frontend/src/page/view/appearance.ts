/** Sets how a calendar and its items appear, here and behind a public link. */
import type { CalendarOptions } from "fullcalendar";
import { fill, type PageData } from "../words/page-data";
import { grid } from "./grid";
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
  const shared = grid();
  return {
    ...shared,
    headerToolbar: false,
    height: "100%",
    borderless: true,
    navLinks: true,
    navLinkDayClick: viewType("day"),
    moreLinkText: (count) => fill(page.texts.more, { count }),
    allDayText: page.texts.allDay,
    noEventsText: page.texts.noItems,
    noEventsClass: "nothing",
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
      ...shared.views,
      list: {
        ...shared.views.list,
        listDaysClass: "agenda",
        listDayHeaderClass: "agenda__day",
        listDayBodyClass: "agenda__items",
        listItemEventClass: "item--entry",
        listItemEventInnerClass: "entry",
      },
      month: { ...shared.views.month, dayRowClass: "month-week" },
    },
  };
}
