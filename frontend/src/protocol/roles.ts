/** What a role may do in a calendar, as far as this client knows: the server decides. PURE. */
import type { CalendarInfo } from "./frames";

export function mayEdit(info: Pick<CalendarInfo, "role"> | undefined): boolean {
  return info?.role === "owner" || info?.role === "editor";
}

export function isOwner(info: Pick<CalendarInfo, "role"> | undefined): boolean {
  return info?.role === "owner";
}
