/** Sets how an item appears in the calendar: its classes, its text, and a mark for its status. */
import type { EventDisplayInfo } from "fullcalendar";
import { Fragment, h, type VNode } from "fullcalendar/preact";
import { readLiveItem } from "../../fullcalendar/event-input";
import { type Item, isBusy } from "../../protocol/item";
import type { PageData } from "../words/page-data";

/** Shapes of 10 × 10, drawn in the colour of the text. */
const MARKS: Readonly<Record<string, string>> = {
  completed: "M1.5 5.4 4 7.9 8.7 2.4",
  in_progress: "M5 1a4 4 0 1 1 0 8a4 4 0 0 1 0-8m0 1.4a2.6 2.6 0 0 0 0 5.2z",
  at_risk: "M5 1.2 9 8.6H1z",
  blocked: "M2 2h6v6H2z",
  cancelled: "m2 2 6 6m0-6-6 6",
};
const STROKED = new Set(["completed", "cancelled"]);
const URGENT = new Set(["urgent", "critical"]);

/** Return the classes of an item's element. */
export function itemClass(info: EventDisplayInfo): string {
  const item = readLiveItem(info.event)?.item;
  if (!item) return "item";
  if (isBusy(item)) return "item item--busy";
  return `item item--${item.status}${URGENT.has(item.priority) ? " item--urgent" : ""}`;
}

/** Return the content of an item's element. */
export function itemContent(info: EventDisplayInfo, page: Pick<PageData, "labels">): VNode {
  const item = readLiveItem(info.event)?.item;
  return h(
    Fragment,
    null,
    info.timeText && h("div", { class: `${info.timeClass} item__time` }, info.timeText),
    h(
      "div",
      { class: `${info.titleClass} item__title` },
      item && !isBusy(item) && statusMark(item.status),
      info.event.title || "\u00a0",
      item && h("span", { class: "visually-hidden" }, said(item, page)),
    ),
  );
}

/** Return the mark of a status; null if it has none. */
export function statusMark(status: string): VNode | null {
  const path = MARKS[status];
  if (path === undefined) return null;
  const drawing = STROKED.has(status) ? { fill: "none", stroke: "currentColor", "stroke-width": 1.8 } : {};
  return h(
    "svg",
    { class: "item__mark", viewBox: "0 0 10 10", width: 10, height: 10, fill: "currentColor", "aria-hidden": "true" },
    h("path", { d: path, ...drawing }),
  );
}

/** Return what the mark says, for screen readers. */
function said(item: Item, page: Pick<PageData, "labels">): string {
  if (isBusy(item)) return "";
  const told = [page.labels[item.status], URGENT.has(item.priority) ? page.labels[item.priority] : undefined];
  // A browser puts a space before hidden text, where a comma would be wrong.
  return ` (${told.filter(Boolean).join(", ")})`;
}
