/** The dialog of a calendar: name, colour and zone, for its owners to change, and the way to its people. What is saved comes back by push. */
import type { ApiError, CalendarInfo, LiveClient } from "../fullcalendar";
import { reasonOf } from "./calendar-view";
import type { PageData } from "./page-data";
import { isOwner } from "./roles";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
}

const FIRST_COLORS = ["#2563eb", "#16a34a", "#db2777", "#ea580c", "#7c3aed", "#0891b2", "#dc2626", "#ca8a04"];

export class CalendarDialog {
  /** Somebody wants to see who shares a calendar. */
  onShare: (calendar: string) => void = () => {};
  private readonly dialog = document.querySelector<HTMLDialogElement>("#calendar-dialog");
  private readonly form = this.dialog?.querySelector("form");
  private calendar: string | null = null;
  private readonly deleted = new Set<string>();

  constructor(private readonly parts: Parts) {
    for (const opener of document.querySelectorAll("[data-add-calendar]")) {
      opener.addEventListener("click", () => this.open(null));
    }
    document.getElementById("calendars")?.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-edit-calendar]") : null;
      if (button) this.open(parts.client.calendarInfo(button.dataset["editCalendar"] ?? "") ?? null);
    });
    this.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.save();
    });
    const act: Readonly<Record<string, () => void>> = {
      "[data-close]": () => this.dialog?.close(),
      "[data-ask]": () => this.ask(true),
      "[data-keep]": () => this.ask(false),
      "[data-delete]": () => void this.remove(),
      "[data-share]": () => this.calendar !== null && this.onShare(this.calendar),
    };
    for (const [selector, run] of Object.entries(act)) {
      for (const button of this.dialog?.querySelectorAll(selector) ?? []) button.addEventListener("click", run);
    }
    parts.client.on("calendarsChanged", () => this.dialog?.open && this.showRights());
    parts.client.on("calendarGone", ({ calendar }) => {
      if (calendar === this.calendar) this.dialog?.close();
    });
  }

  /** Whether a calendar was deleted in this dialog. */
  deletes(calendar: string): boolean {
    return this.deleted.has(calendar);
  }

  private open(info: CalendarInfo | null): void {
    const { client, page } = this.parts;
    const title = document.getElementById("calendar-dialog-title");
    if (!this.dialog || !title) return;
    this.calendar = info?.id ?? null;
    title.textContent = info === null ? page.texts.newCalendar : page.texts.editCalendar;
    this.set("name", info?.name ?? "");
    this.set("color", info?.color ?? FIRST_COLORS[client.calendars().length % FIRST_COLORS.length] ?? "#2563eb");
    this.set("timeZone", info?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
    this.complain(null);
    this.ask(false);
    this.showRights();
    this.dialog.showModal();
    this.field("name")?.focus();
  }

  /** Show what one may do with it now; what is typed stays. */
  private showRights(): void {
    const { client, page } = this.parts;
    const isNew = this.calendar === null;
    const mayChange = isNew || isOwner(client.calendarInfo(this.calendar ?? ""));
    const hidden: Readonly<Record<string, boolean>> = {
      "[data-ask]": isNew || !mayChange,
      "[data-save]": !mayChange,
      "[data-share]": isNew,
    };
    for (const [selector, isHidden] of Object.entries(hidden)) {
      const button = this.dialog?.querySelector<HTMLElement>(selector);
      if (button) button.hidden = isHidden;
    }
    this.dialog?.querySelector("[data-fields]")?.toggleAttribute("disabled", !mayChange);
    const share = this.dialog?.querySelector("[data-share-label]");
    if (share) share.textContent = mayChange ? page.texts.share : page.texts.people;
    const close = this.dialog?.querySelector(".actions__end [data-close]");
    if (close) close.textContent = mayChange ? page.texts.cancel : page.texts.close;
    if (!mayChange) this.ask(false);
  }

  private async save(): Promise<void> {
    const fields = { name: this.value("name"), color: this.value("color"), timeZone: this.value("timeZone") };
    const result = await this.parts.client.saveCalendar(this.calendar, fields);
    if (result.ok) this.dialog?.close();
    else this.complain(result.error);
  }

  private async remove(): Promise<void> {
    if (this.calendar === null) return;
    this.deleted.add(this.calendar); // the push may come before the answer
    const result = await this.parts.client.deleteCalendar(this.calendar);
    if (result.ok) return this.dialog?.close();
    this.deleted.delete(this.calendar);
    this.complain(result.error);
  }

  private ask(on: boolean): void {
    const panel = this.dialog?.querySelector<HTMLElement>("[data-panel]");
    if (!panel) return;
    panel.hidden = !on;
    if (on) panel.querySelector<HTMLElement>("[data-keep]")?.focus();
  }

  private complain(error: ApiError | null): void {
    const notice = this.dialog?.querySelector<HTMLElement>("[data-problem]");
    if (notice) {
      notice.hidden = error === null;
      notice.textContent = error === null ? "" : reasonOf(error, this.parts.page);
    }
    for (const name of ["name", "color", "timeZone"]) {
      this.field(name)?.setAttribute("aria-invalid", String(error?.fields?.[name] !== undefined));
    }
  }

  private field(name: string): HTMLInputElement | null {
    return this.form?.querySelector<HTMLInputElement>(`[name="${name}"]`) ?? null;
  }

  private value(name: string): string {
    return this.field(name)?.value ?? "";
  }

  private set(name: string, value: string): void {
    const field = this.field(name);
    if (field) field.value = value;
  }
}
