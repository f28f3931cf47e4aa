/** When a new item begins that nobody drew. Knows no page; the server proposes the next full hour where this returns nothing. */

/** An item's span, as the form of a new one is asked for. */
export interface Span {
  readonly start: string;
  readonly end: string;
  readonly allDay: boolean;
}

const HOUR = 9;

/** Return an hour of the day that is looked at; null: today is on the screen. Who looks at another month would not see what they made. */
export function newSpan(
  shown: { readonly currentStart: Date; readonly currentEnd: Date },
  day: Date,
  now: Date,
): Span | null {
  if (shown.currentStart <= now && now < shown.currentEnd) return null;
  const start = new Date(day);
  start.setHours(HOUR, 0, 0, 0);
  const end = new Date(day);
  end.setHours(HOUR + 1, 0, 0, 0);
  return { start: start.toISOString(), end: end.toISOString(), allDay: false };
}
