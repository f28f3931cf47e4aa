/** Shows the number of a day whose column is so narrow that FullCalendar leaves it out. */
import type { DayHeaderInfo } from "fullcalendar";
import { Fragment, h, type VNode } from "fullcalendar/preact";

/** Return the content of a day's head; `true` leaves it to the theme. */
export function dayHead(info: DayHeaderInfo): VNode | true {
  if (!lacksNumber(info)) return true;
  const number = `live-day-head__number ${info.isToday ? "live-day-head__number--today" : ""}`;
  return h(
    Fragment,
    null,
    h("span", { class: "live-day-head__weekday" }, info.weekdayText),
    h("span", { class: number }, info.dayNumberText),
  );
}

/** Return the class of a day's head. */
export function dayHeadClass(info: DayHeaderInfo): string {
  return lacksNumber(info) ? "live-day-head" : "";
}

/**
 * Tell whether a day's head lacks the number. FullCalendar knows the number of such a day, but writes only the first
 * letter of the weekday.
 */
function lacksNumber({ dayNumberText, inPopover, textParts }: DayHeaderInfo): boolean {
  return dayNumberText !== "" && !inPopover && textParts.every((part) => part.type !== "day");
}
