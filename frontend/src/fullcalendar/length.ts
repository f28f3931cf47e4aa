/** Computes when a moved item ends, so that it keeps its length. */
import { Temporal } from "temporal-polyfill";

/** A span of time, in milliseconds since 1970 UTC. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Return the end of a span that begins at another moment and keeps its length. Whole days are calendar days in the
 * span's zone, so a conference ends at five o'clock in whichever week it is. Anything shorter than a day is elapsed
 * time, so an hour stays an hour in a night in which the clocks change (RFC 5545, 3.3.6).
 */
export function movedEnd(span: Stretch, start: number, timeZone: string): number {
  const from = zoned(span.start, timeZone);
  // Where the clocks show a time twice, Temporal would count a day from the first one. A span that ends before the same
  // time on the next day is shorter than a day.
  if (span.end < from.add({ days: 1 }).epochMilliseconds) return start + span.end - span.start;
  return zoned(start, timeZone).add(from.until(zoned(span.end, timeZone), { largestUnit: "days" })).epochMilliseconds;
}

function zoned(ms: number, timeZone: string): Temporal.ZonedDateTime {
  const instant = Temporal.Instant.fromEpochMilliseconds(ms);
  try {
    return instant.toZonedDateTimeISO(timeZone);
  } catch {
    return instant.toZonedDateTimeISO("UTC"); // the server may know a zone that this browser does not
  }
}
