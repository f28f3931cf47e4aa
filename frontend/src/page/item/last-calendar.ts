/** Remembers, in this browser, the calendar in which an item was last saved. */
const LAST_CALENDAR = "calendar_live.calendar";

export function remembered(): string | null {
  try {
    return localStorage.getItem(LAST_CALENDAR);
  } catch {
    return null;
  }
}

export function remember(calendar: string): void {
  try {
    localStorage.setItem(LAST_CALENDAR, calendar);
  } catch {
    // Storage is full or forbidden, so the first calendar is offered next time.
  }
}
