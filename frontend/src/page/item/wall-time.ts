/** What a wall clock shows and the moments it may mean. Knows no form. */
import type { Temporal } from "temporal-polyfill";

/**
 * Return the moments at which the clocks of a zone show this: two in the hour that comes twice, in their order. A time that the clocks
 * skip is read as if they had not changed yet. Raises RangeError when there is no such zone.
 */
export function momentsOf(wall: Temporal.PlainDateTime, zone: string): readonly Temporal.ZonedDateTime[] {
  const moment = wall.toZonedDateTime(zone);
  const later = wall.toZonedDateTime(zone, { disambiguation: "later" });
  return moment.equals(later) ? [moment] : [moment, later];
}
