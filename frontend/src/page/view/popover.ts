/** The list of a day's items behind “more”: wholly on the screen, whatever the day. FullCalendar lays it below the day's head, and looks no further. */
import type { DayHeaderInfo } from "fullcalendar";

const FROM_EDGE_PX = 10; // FullCalendar's own distance from the other edges

/** Take a day's head that was made: the head of such a list brings the list with it. */
export function keepOnScreen({ el, inPopover }: DayHeaderInfo & { readonly el: HTMLElement }): void {
  const list = inPopover ? el.closest<HTMLElement>("[role=dialog]") : null;
  // Called when it has its size, and each time that items come or go.
  if (list) new ResizeObserver(() => raise(list)).observe(list);
}

function raise(list: HTMLElement): void {
  const below = list.getBoundingClientRect().bottom - (window.innerHeight - FROM_EDGE_PX);
  if (below > 0) list.style.top = `${list.offsetTop - below}px`;
}
