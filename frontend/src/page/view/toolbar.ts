/** Runs the bar above the calendar: its title, the ways back, to today and forward, and the views. */
import type { Calendar } from "fullcalendar";
import type { Place, View } from "./view-place";
import { localDate } from "./view-url";

const TYPES: Readonly<Record<View, string>> = {
  month: "dayGridMonth",
  week: "timeGridWeek",
  day: "timeGridDay",
  list: "listWeek",
};

/** Return FullCalendar's name of a view. */
export function viewType(view: View): string {
  return TYPES[view];
}

export class Toolbar {
  private readonly title = document.getElementById("view-title");
  private readonly buttons = [...document.querySelectorAll<HTMLButtonElement>("[data-view]")];

  constructor(private readonly calendar: Calendar) {
    for (const button of this.buttons) {
      button.addEventListener("click", () => calendar.changeView(viewType(button.dataset["view"] as View)));
    }
    const moves = { prev: () => calendar.prev(), today: () => calendar.today(), next: () => calendar.next() };
    for (const [name, move] of Object.entries(moves)) {
      document.querySelector(`[data-move="${name}"]`)?.addEventListener("click", move);
    }
  }

  view(): View {
    const type = this.calendar.view.type;
    return (Object.keys(TYPES) as View[]).find((view) => TYPES[view] === type) ?? "month";
  }

  date(): string {
    return localDate(this.calendar.getDate());
  }

  go(place: Place): void {
    this.calendar.changeView(viewType(place.view), place.date);
  }

  show(): void {
    const title = this.calendar.view.title;
    if (this.title && this.title.textContent !== title) this.title.textContent = title;
    const view = this.view();
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset["view"] === view));
  }
}
