/** What is known of an item, in a dialog that keeps up with it. Everything it shows is text; it changes nothing. */
import { type Item, type ItemKey, isBusy, type LiveClient } from "../fullcalendar";
import { readerLocale } from "../page/locale";

const DAY_MS = 86_400_000;

export class Details {
  private readonly dialog = document.querySelector<HTMLDialogElement>("dialog#item");
  private key: ItemKey | null = null;

  constructor(private readonly client: LiveClient) {
    this.dialog?.addEventListener("close", () => {
      this.key = null;
    });
    this.dialog?.addEventListener("click", ({ target }) => {
      if (target === this.dialog) this.close(); // beside it: its own box is filled by what is in it
    });
    client.onFrame(() => this.keepUp());
  }

  open(key: ItemKey): void {
    this.key = key;
    this.keepUp();
    if (this.key !== null) this.dialog?.showModal();
  }

  close(): void {
    this.dialog?.close();
    this.key = null;
  }

  private keepUp(): void {
    if (this.key === null) return;
    const item = this.client.item(this.key);
    if (item === undefined) return this.close();
    this.write("item-title", isBusy(item) ? this.client.busyTitle : item.title);
    this.write("item-when", when(item));
    this.write("item-where", isBusy(item) ? "" : item.location);
    this.write("item-about", isBusy(item) ? "" : item.description);
  }

  private write(id: string, text: string): void {
    const place = document.getElementById(id);
    if (place === null) return;
    place.textContent = text;
    place.hidden = text === "";
  }
}

/** Return an item's span in the reader's own time zone and manner. An all-day item's end is exclusive. */
export function when({ start, end, allDay }: Pick<Item, "start" | "end" | "allDay">, locale = readerLocale()): string {
  const style: Intl.DateTimeFormatOptions = allDay
    ? { dateStyle: "full", timeZone: "UTC" }
    : { dateStyle: "full", timeStyle: "short" };
  const last = Date.parse(end) - (allDay ? DAY_MS : 0);
  return new Intl.DateTimeFormat(locale, style).formatRange(Date.parse(start), Math.max(last, Date.parse(start)));
}
