/** Sets how days, times and titles are written and laid out, wherever a calendar is shown. */
import type { CalendarOptions, FormatterInput } from "fullcalendar";
import { firstDay, pageLocale, readerLocale } from "../words/locale";
import { dayHead, dayHeadClass } from "./day-head";

type Views = Record<"list" | "month" | "week" | "day", NonNullable<CalendarOptions["views"]>[string]>;

/** Return the options. A page without a language is taken for an English one. */
export function grid(): CalendarOptions & { readonly views: Views } {
  return {
    locale: pageLocale() || "en",
    firstDay: firstDay(),
    nowIndicator: true,
    scrollTime: "07:30:00",
    dayMaxEvents: true,
    eventTimeFormat: timeFormat(),
    slotHeaderFormat: timeFormat(),
    slotEventOverlap: false,
    eventMinHeight: 22,
    eventShortHeight: 52,
    views: {
      list: { listDayAltFormat: { month: "short", day: "numeric" } },
      month: { titleFormat: { month: "long", year: "numeric" } },
      week: {
        titleFormat: { month: "short", day: "numeric", year: "numeric" },
        dayHeaderContent: dayHead,
        dayHeaderInnerClass: dayHeadClass,
      },
      day: { titleFormat: { weekday: "short", month: "short", day: "numeric", year: "numeric" } },
    },
  };
}

function timeFormat(): FormatterInput {
  const hour12 = new Intl.DateTimeFormat(readerLocale(), { hour: "numeric" }).resolvedOptions().hour12 ?? false;
  return { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit", hour12 };
}
