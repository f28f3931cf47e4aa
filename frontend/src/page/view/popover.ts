/** Keeps FullCalendar's list of a day's items wholly on the screen. */
import type { DayHeaderInfo } from "fullcalendar";

const FROM_EDGE_PX = 10; // FullCalendar's own distance from the other edges

/** Handle the head of a day that was mounted, which may be the head of such a list. */
export function keepOnScreen({ el, inPopover }: DayHeaderInfo & { readonly el: HTMLElement }): void {
  const list = inPopover ? el.closest<HTMLElement>("[role=dialog]") : null;
  // Called when the list has its size, and each time that items come or go.
  if (list) new ResizeObserver(() => raise(list)).observe(list);
}

function raise(list: HTMLElement): void {
  const below = list.getBoundingClientRect().bottom - (window.innerHeight - FROM_EDGE_PX);
  if (below > 0) list.style.top = `${list.offsetTop - below}px`;
}
