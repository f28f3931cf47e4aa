/** Computes when a moved item ends, so that it stays as long as it was. */
import { Temporal } from "temporal-polyfill";

/** A span of time, in milliseconds since 1970 UTC. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Return the end of a span that begins at another moment and is as long as it was: its whole days are days of the calendar in its
 * zone, so that a conference ends at five o'clock in whichever week; what is shorter is as long by the clock, so that an hour stays an
 * hour in a night in which the clocks change (RFC 5545, 3.3.6).
 */
export function movedEnd(span: Stretch, start: number, timeZone: string): number {
  const from = zoned(span.start, timeZone);
  // Of two equal times, Temporal would count a day from the first: what ends before the next day's is shorter than a day.
  if (span.end < from.add({ days: 1 }).epochMilliseconds) return start + span.end - span.start;
  return zoned(start, timeZone).add(from.until(zoned(span.end, timeZone), { largestUnit: "days" })).epochMilliseconds;
}

function zoned(ms: number, timeZone: string): Temporal.ZonedDateTime {
  const instant = Temporal.Instant.fromEpochMilliseconds(ms);
  try {
    return instant.toZonedDateTimeISO(timeZone);
  } catch {
    return instant.toZonedDateTimeISO("UTC"); // the server knows a zone that this browser does not
  }
}
