/** Remembers in this browser which calendar was saved into last. */
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
    // Storage is full or forbidden. The first calendar is offered next time.
  }
}
