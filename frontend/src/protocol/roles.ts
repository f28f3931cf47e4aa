/** Tells what a role may do in a calendar. */
import type { CalendarInfo } from "./frames";

export function mayEdit(info: Pick<CalendarInfo, "role"> | undefined): boolean {
  return info?.role === "owner" || info?.role === "editor";
}

export function isOwner(info: Pick<CalendarInfo, "role"> | undefined): boolean {
  return info?.role === "owner";
}
