/** Tells the user when somebody offers them the ownership of a calendar. */
import type { CalendarInfo, LiveClient } from "../../fullcalendar";
import type { Toast, Toasts } from "../notice/toasts";
import { fill, type PageData } from "../words/page-data";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
}

/** Return the question that a member of a calendar is asked, or null. */
export function askedOf({ name, offer }: CalendarInfo, { texts }: PageData): string | null {
  if (!offer) return null;
  return fill(offer.handsOver ? texts.offerAskInPlace : texts.offerAsk, { name: offer.by.name, calendar: name });
}

/**
 * Tell the user of each offer once, and remove the toast when the offer is over. `open` opens the dialog in which the
 * offer is answered.
 */
export function tellOffers({ client, page, toasts }: Parts, open: (calendar: string) => void): void {
  const told = new Map<string, { readonly text: string; readonly toast: Toast }>();
  const tell = (id: string, text: string | null) => {
    if (told.get(id)?.text === text) return;
    told.get(id)?.toast.remove();
    told.delete(id);
    if (text === null) return;
    told.set(id, { text, toast: toasts.offer(text, { label: page.texts.offerAnswer, run: () => open(id) }) });
  };
  const show = (calendars: readonly CalendarInfo[]) => {
    for (const info of calendars) tell(info.id, askedOf(info, page));
  };
  client.on("calendarsChanged", ({ calendars }) => show(calendars));
  client.on("calendarGone", ({ calendar }) => tell(calendar, null));
  show(client.calendars());
}
