/** What a role may do on this page; the server decides. PURE. */
import type { CalendarInfo } from "../fullcalendar";

export function mayEdit(info: Pick<CalendarInfo, "role"> | undefined): boolean {
  return info?.role === "owner" || info?.role === "editor";
}

export function isOwner(info: Pick<CalendarInfo, "role"> | undefined): boolean {
  return info?.role === "owner";
}
