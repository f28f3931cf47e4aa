/** Returns the moments that a wall clock's time may mean: two where the clocks go back. */
import type { Temporal } from "temporal-polyfill";

/**
 * Return the moments at which the clocks of a zone show this time: two, in their order, in the hour that comes twice. A
 * time that the clocks skip is read as if they had not changed yet. Throws RangeError if there is no such zone.
 */
export function momentsOf(wall: Temporal.PlainDateTime, zone: string): readonly Temporal.ZonedDateTime[] {
  const moment = wall.toZonedDateTime(zone);
  const later = wall.toZonedDateTime(zone, { disambiguation: "later" });
  return moment.equals(later) ? [moment] : [moment, later];
}
