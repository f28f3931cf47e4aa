/** Runs the trash, which lists deleted items and calendars, newest first, and restores them. */

import { type DeletedCalendar, type LiveClient, mayEdit, type Result, type TrashedItem } from "../../fullcalendar";
import { copyOf, say } from "../dom/rows";
import { sendOnce } from "../dom/sending";
import type { Toasts } from "../notice/toasts";
import { readerLocale } from "../words/locale";
import { fill, type PageData, shortTitle } from "../words/page-data";
import { complaintOf, reasonOf } from "../words/refusals";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
}

/** An item or a calendar that can be restored. */
interface Entry {
  readonly id: string;
  readonly title: string;
  readonly deletedAt: string;
  readonly about: string;
  restore(): Promise<Result<unknown>>;
}

/** How long changes are collected, so that a burst of them reads the trash once. */
const CALM_MS = 250;

export class TrashDialog {
  private readonly dialog = document.querySelector<HTMLDialogElement>("#trash-dialog");
  private readonly list = this.dialog?.querySelector<HTMLElement>("[data-trash-list]");
  private readonly note = this.dialog?.querySelector<HTMLElement>("[data-trash-note]");
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Counts the readings of the trash, because only the last of several counts. */
  private asked = 0;

  constructor(private readonly parts: Parts) {
    const { client } = parts;
    document.querySelector("[data-open-trash]")?.addEventListener("click", () => this.open());
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
    const [deleted, ...results] = await Promise.all([
      client.sharing.deletedCalendars(),
      ...calendars.map((info) => client.trash(info.id)),
    ]);
    if (turn !== this.asked || !this.list || !this.note) return;
    const items = results.flatMap((result) => (result.ok ? result.value.map((item) => this.entryOf(item)) : []));
    const entries = deleted.ok ? [...items, ...deleted.value.map((one) => this.entryOfCalendar(one))] : items;
    const failed = [deleted, ...results].find((result) => !result.ok);
    entries.sort((one, other) => other.deletedAt.localeCompare(one.deletedAt));
    this.paint(entries);
    this.note.hidden = entries.length > 0 && failed === undefined;
    this.note.textContent = failed && !failed.ok ? complaintOf(failed.error, page) : page.texts.trashEmpty;
  }

  private paint(entries: readonly Entry[]): void {
    const focused = document.activeElement?.closest<HTMLElement>("[data-trashed]")?.dataset["trashed"];
    this.list?.replaceChildren(...entries.map((entry) => this.row(entry)).filter((row) => row !== null));
    const row = focused && this.list?.querySelector<HTMLElement>(`[data-trashed="${CSS.escape(focused)}"] button`);
    if (row) row.focus();
    else if (!this.dialog?.contains(document.activeElement))
      this.dialog?.querySelector<HTMLElement>("[data-close]")?.focus();
  }

  private row(entry: Entry): HTMLElement | null {
    const row = copyOf("trash-row");
    if (row === null) return null;
    const button = row.querySelector("button");
    row.dataset["trashed"] = entry.id;
    say(row, ".trash__title", entry.title);
    say(row, ".trash__about", entry.about);
    button?.setAttribute("aria-label", `${button.textContent} “${entry.title}”`);
    button?.addEventListener("click", () => void sendOnce(button, () => this.restore(entry)));
    return row;
  }

  private entryOf(item: TrashedItem): Entry {
    const { client, page } = this.parts;
    const info = client.calendarInfo(item.calendar);
    const person = info?.people.find((one) => one.id === item.deletedBy)?.name ?? page.texts.someone;
    const words = { calendar: info?.name ?? "", person, when: moment(item.deletedAt) };
    return {
      ...item,
      about: fill(page.texts.trashAbout, words),
      restore: () => client.restoreItems(item.calendar, [item.id], item.state),
    };
  }

  private entryOfCalendar({ id, name, deletedAt, until }: DeletedCalendar): Entry {
    const { client, page } = this.parts;
    const about = fill(page.texts.trashCalendarAbout, { when: moment(deletedAt), until: moment(until) });
    return { id, title: name, deletedAt, about, restore: () => client.sharing.restoreCalendar(id) };
  }

  private async restore(entry: Entry): Promise<void> {
    const { page, toasts } = this.parts;
    const result = await entry.restore();
    if (!result.ok)
      toasts.show(
        fill(page.texts.notRestored, { title: shortTitle(entry.title), reason: reasonOf(result.error, page) }),
      );
    await this.read();
  }
}

function moment(instant: string): string {
  const format = new Intl.DateTimeFormat(readerLocale(), { dateStyle: "medium", timeStyle: "short" });
  return format.format(new Date(instant));
}
