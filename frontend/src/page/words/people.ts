/** Names the person who changed an item, as a sentence needs it. */
import type { ApiError, LiveClient } from "../../fullcalendar";
import type { PageData } from "./page-data";

/**
 * Return who changed the item first, according to a 412: "you" for the user's other tabs, "somebody" if it is not
 * known.
 */
export function changedBy({ current }: ApiError, client: LiveClient, page: PageData): string {
  const key = current && "updatedBy" in current ? current.updatedBy : null;
  if (key !== null && key === page.userId) return page.texts.youInSentence;
  const people = current ? (client.calendarInfo(current.calendar)?.people ?? []) : [];
  return people.find((one) => one.id === key)?.name ?? page.texts.somebody;
}
