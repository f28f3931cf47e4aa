/** Proposes when a new item begins if the user has drawn no span. */

/** The span with which the form of a new item is requested. */
export interface Span {
  readonly start: string;
  readonly end: string;
  readonly allDay: boolean;
}

const HOUR = 9;

/**
 * Return an hour of the day on screen, so that the user sees the new item. Return null if today is on screen, because
 * the server then proposes the next hour.
 */
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
