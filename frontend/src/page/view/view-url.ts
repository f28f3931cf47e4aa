/** Keeps the page's address and the calendar's view, date and filters in step. */
import { type Place, readPlace, type View, writePlace } from "./view-place";

/** Below this width the cells of a month have no room for text. */
const PHONE = "(max-width: 640px)";

export class ViewUrl {
  /** Called when the browser has gone back or forward. */
  onReturn: (place: Place) => void = () => {};
  private readonly otherwise: { readonly view: View; readonly date: string };

  constructor() {
    this.otherwise = { view: matchMedia(PHONE).matches ? "list" : "month", date: localDate(new Date()) };
    addEventListener("popstate", () => this.onReturn(this.place()));
  }

  place(): Place {
    return readPlace(location.search, this.otherwise);
  }

  /** Add a place to the browser's history, unless the address is there already. */
  record(place: Place): void {
    const search = writePlace(place);
    if (search !== writePlace(this.place())) history.pushState(null, "", search);
  }
}

/** Return the calendar date of a moment, in the browser's zone. */
export function localDate(moment: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}
