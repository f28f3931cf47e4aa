/** The calendar that was saved into last, in this browser: offered first for a new item. Never needed. */
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
    // Storage is full or forbidden: the first calendar is offered next time.
  }
}
