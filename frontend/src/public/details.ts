/** Shows what a visitor may know of an item, in a dialog that follows the item's changes. */
import { Fragment, h, render } from "fullcalendar/preact";
import type { LiveReader } from "../client/live-reader";
import { statusMark } from "../page/view/item-appearance";
import { readerLocale } from "../page/words/locale";
import { type Item, type ItemKey, isBusy } from "../protocol/item";

const DAY_MS = 86_400_000;
const PLACES = ["title", "when", "where", "about", "tags"] as const;

export class Details {
  private readonly dialog = document.querySelector<HTMLDialogElement>("dialog#item");
  private key: ItemKey | null = null;

  constructor(
    private readonly client: LiveReader,
    private readonly labels: Readonly<Record<string, string>>,
  ) {
    this.dialog?.addEventListener("close", () => this.forget());
    this.dialog?.addEventListener("click", ({ target }) => {
      if (target === this.dialog) this.close(); // the click was beside the dialog's content
    });
    this.dialog?.querySelector("#item-link a")?.addEventListener("click", ({ currentTarget }) => {
      // A frame whose sandbox lacks `allow-popups` opens nothing and says nothing. The selected address can be copied.
      if (window.parent !== window && currentTarget instanceof Node) getSelection()?.selectAllChildren(currentTarget);
    });
    client.onRepaint(() => this.keepUp());
  }

  open(key: ItemKey): void {
    this.key = key;
    this.keepUp();
    if (this.key !== null) this.dialog?.showModal();
  }

  close(): void {
    this.dialog?.close();
    this.forget();
  }

  /** Clear the dialog. An item that may no longer be shown must not stay in a closed dialog either. */
  private forget(): void {
    this.key = null;
    for (const place of PLACES) this.write(place, "");
    this.writeStatus(null);
    this.writeLink(null);
  }

  private keepUp(): void {
    if (this.key === null) return;
    const item = this.client.item(this.key);
    if (item === undefined) return this.close();
    this.write("title", isBusy(item) ? this.client.busyTitle : item.title);
    this.write("when", when(item));
    this.writeStatus(isBusy(item) ? null : item.status);
    this.write("where", isBusy(item) ? "" : item.location);
    this.write("about", isBusy(item) ? "" : item.description);
    this.write("tags", isBusy(item) ? "" : item.tags.join(", "));
    this.writeLink(isBusy(item) ? null : item.url);
  }

  /** Write the status beside its mark. */
  private writeStatus(status: string | null): void {
    const place = document.getElementById("item-status");
    if (place === null) return;
    const text = status === null ? undefined : this.labels[status];
    render(text === undefined ? null : h(Fragment, null, status && statusMark(status), text), place);
    place.hidden = text === undefined;
  }

  /** Write the item's link. The guard of items accepts only addresses that may be followed. */
  private writeLink(url: string | null): void {
    const place = document.getElementById("item-link");
    const link = place?.querySelector("a");
    if (!place || !link) return;
    place.hidden = url === null;
    link.textContent = url ?? "";
    if (url === null) link.removeAttribute("href");
    else link.href = url;
  }

  private write(name: (typeof PLACES)[number], text: string): void {
    const place = document.getElementById(`item-${name}`);
    if (place === null) return;
    place.textContent = text;
    place.hidden = text === "";
  }
}

/** Return an item's span in the reader's own time zone and locale. The end of an all-day item is exclusive. */
export function when({ start, end, allDay }: Pick<Item, "start" | "end" | "allDay">, locale = readerLocale()): string {
  const style: Intl.DateTimeFormatOptions = allDay
    ? { dateStyle: "full", timeZone: "UTC" }
    : { dateStyle: "full", timeStyle: "short" };
  const last = Date.parse(end) - (allDay ? DAY_MS : 0);
  return new Intl.DateTimeFormat(locale, style).formatRange(Date.parse(start), Math.max(last, Date.parse(start)));
}
