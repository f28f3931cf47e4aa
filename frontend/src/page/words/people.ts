/** Who changed an item, in words for a sentence. */
import type { ApiError, LiveClient } from "../../fullcalendar";
import type { PageData } from "./page-data";

/** Return the name of whoever was quicker, as a 412 tells it: "you" for one's other tabs, "somebody" when it is not known. */
export function changedBy({ current }: ApiError, client: LiveClient, page: PageData): string {
  const key = current && "updatedBy" in current ? current.updatedBy : null;
  if (key !== null && key === page.userId) return page.texts.youInSentence;
  const people = current ? (client.calendarInfo(current.calendar)?.people ?? []) : [];
  return people.find((one) => one.id === key)?.name ?? page.texts.somebody;
}
