/** The trash: what was deleted in the calendars one may edit, newest first, live while it is open. Restoring is the server's business. */

import type { CalendarInfo, LiveClient, TrashedItem } from "../fullcalendar";
import { reasonOf } from "./calendar-view";
import { readerLocale } from "./locale";
import { fill, type PageData } from "./page-data";
import { mayEdit } from "./roles";
import type { Toasts } from "./toasts";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
}

/** A burst of changes reads the trash once. */
const CALM_MS = 250;

export class TrashDialog {
  private readonly dialog = document.querySelector<HTMLDialogElement>("#trash-dialog");
  private readonly list = this.dialog?.querySelector<HTMLElement>("[data-trash-list]");
  private readonly note = this.dialog?.querySelector<HTMLElement>("[data-trash-note]");
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Of several readings the last one counts. */
  private asked = 0;

  constructor(private readonly parts: Parts) {
    const { client } = parts;
    const opener = document.querySelector<HTMLElement>("[data-open-trash]");
    opener?.addEventListener("click", () => this.open());
    client.on("calendarsChanged", ({ calendars }) => {
      if (opener) opener.hidden = !calendars.some(mayEdit);
    });
    this.dialog?.querySelector("[data-close]")?.addEventListener("click", () => this.dialog?.close());
    for (const name of ["changed", "calendarsChanged", "calendarGone"] as const) client.on(name, () => this.refresh());
  }

  private open(): void {
    const { dialog, list, note } = this;
    if (!dialog || !list || !note) return;
    list.replaceChildren();
    note.textContent = this.parts.page.texts.trashLoading;
    note.hidden = false;
    dialog.showModal();
    void this.read();
  }

  private refresh(): void {
    clearTimeout(this.timer);
    if (this.dialog?.open) this.timer = setTimeout(() => void this.read(), CALM_MS);
  }

  private async read(): Promise<void> {
    const turn = ++this.asked;
    const { client, page } = this.parts;
    const calendars = client.calendars().filter(mayEdit);
    const results = await Promise.all(calendars.map((info) => client.trash(info.id)));
    if (turn !== this.asked || !this.list || !this.note) return;
    const items = results.flatMap((result) => (result.ok ? result.value : []));
    const failed = results.find((result) => !result.ok);
    items.sort((one, other) => other.deletedAt.localeCompare(one.deletedAt));
    this.paint(items);
    this.note.hidden = items.length > 0 && failed === undefined;
    this.note.textContent = failed && !failed.ok ? reasonOf(failed.error, page) : page.texts.trashEmpty;
  }

  private paint(items: readonly TrashedItem[]): void {
    const focused = document.activeElement?.closest<HTMLElement>("[data-trashed]")?.dataset["trashed"];
    this.list?.replaceChildren(...items.map((item) => this.row(item)).filter((row) => row !== null));
    const row = focused && this.list?.querySelector<HTMLElement>(`[data-trashed="${CSS.escape(focused)}"] button`);
    if (row) row.focus();
    else if (focused) this.dialog?.querySelector<HTMLElement>("[data-close]")?.focus();
  }

  private row(item: TrashedItem): HTMLElement | null {
    const template = document.querySelector<HTMLTemplateElement>("#trash-row");
    const row = template?.content.firstElementChild?.cloneNode(true);
    if (!(row instanceof HTMLElement)) return null;
    const title = row.querySelector(".trash__title");
    const about = row.querySelector(".trash__about");
    const button = row.querySelector("button");
    row.dataset["trashed"] = item.id;
    if (title) title.textContent = item.title;
    if (about) about.textContent = this.about(item);
    button?.setAttribute("aria-label", `${button.textContent} “${item.title}”`);
    button?.addEventListener("click", () => void this.restore(item, button));
    return row;
  }

  private about(item: TrashedItem): string {
    const { client, page } = this.parts;
    const info: CalendarInfo | undefined = client.calendarInfo(item.calendar);
    const person = info?.people.find((one) => one.id === item.deletedBy)?.name ?? page.texts.someone;
    const format = new Intl.DateTimeFormat(readerLocale(), { dateStyle: "medium", timeStyle: "short" });
    const when = format.format(new Date(item.deletedAt));
    return fill(page.texts.trashAbout, { calendar: info?.name ?? "", person, when });
  }

  private async restore(item: TrashedItem, button: HTMLButtonElement): Promise<void> {
    const { client, page, toasts } = this.parts;
    button.disabled = true;
    const result = await client.restoreItems(item.calendar, [item.id], item.state);
    button.disabled = false;
    if (!result.ok)
      toasts.show(fill(page.texts.notRestored, { title: item.title, reason: reasonOf(result.error, page) }));
    await this.read();
  }
}
