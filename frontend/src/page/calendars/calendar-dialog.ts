/** Runs the dialog that creates, changes and deletes a calendar. */
import { type ApiError, type CalendarInfo, isOwner, type LiveClient, type Result } from "../../fullcalendar";
import { keepFocus } from "../dom/focus";
import { keepAtEscape } from "../dom/question";
import { sendOnce, startAnew } from "../dom/sending";
import { watchTyped } from "../dom/typed";
import { onConnected } from "../notice/connected";
import type { PageData, TextName } from "../words/page-data";
import { complaintOf } from "../words/refusals";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
}

const FIELDS = ["name", "color", "timeZone"] as const;
const FIRST_COLORS = ["#2563eb", "#16a34a", "#db2777", "#ea580c", "#7c3aed", "#0891b2", "#dc2626", "#ca8a04"];

export class CalendarDialog {
  /** Called when the user wants to see who shares a calendar. */
  onShare: (calendar: string) => void = () => {};
  private readonly dialog = document.querySelector<HTMLDialogElement>("#calendar-dialog");
  private readonly form = this.dialog?.querySelector("form") ?? null;
  private readonly deleter = this.dialog?.querySelector<HTMLElement>("[data-delete]") ?? null;
  private calendar: string | null = null;
  /** The values of the fields before anything was typed. */
  private before: readonly string[] = [];
  private readonly deleted = new Set<string>();
  /** Counts how often the dialog was opened, so that answers to an earlier opening are ignored. */
  private opened = 0;

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
      if (this.form) void sendOnce(this.form, () => this.save());
    });
    this.form?.addEventListener("input", ({ target }) => {
      this.notice("");
      if (target instanceof HTMLInputElement) this.complainOf(target.name, "");
    });
    const act: Readonly<Record<string, () => void>> = {
      "[data-close]": () => this.dialog?.close(),
      "[data-ask]": () => this.ask(true),
      "[data-keep]": () => this.ask(false),
      "[data-delete]": () => this.form && void sendOnce(this.form, () => this.remove(), this.deleter ?? undefined),
      "[data-share]": () => this.calendar !== null && this.onShare(this.calendar),
    };
    for (const [selector, run] of Object.entries(act)) {
      for (const button of this.dialog?.querySelectorAll(selector) ?? []) button.addEventListener("click", run);
    }
    if (this.dialog) keepAtEscape(this.dialog);
    this.dialog?.addEventListener("close", keepFocus);
    watchTyped(() => this.dialog?.open === true && this.values().some((text, at) => text !== this.before[at]));
    parts.client.on("calendarsChanged", () => this.dialog?.open && this.showRights());
    onConnected(parts.client, () => {
      if (this.dialog?.querySelector("[data-problem]")?.textContent === parts.page.texts.shareNoConnection)
        this.notice("");
    });
    parts.client.on("calendarGone", ({ calendar }) => {
      if (calendar === this.calendar) this.dialog?.close();
    });
  }

  /** Tell whether a calendar was deleted in this dialog. */
  deletes(calendar: string): boolean {
    return this.deleted.has(calendar);
  }

  private open(info: CalendarInfo | null): void {
    const { client, page } = this.parts;
    const title = document.getElementById("calendar-dialog-title");
    if (!this.dialog || !this.form || !title) return;
    this.opened++;
    startAnew(this.form);
    this.calendar = info?.id ?? null;
    title.textContent = info === null ? page.texts.newCalendar : page.texts.editCalendar;
    this.set("name", info?.name ?? "");
    this.set("color", info?.color ?? FIRST_COLORS[client.calendars().length % FIRST_COLORS.length] ?? "#2563eb");
    this.set("timeZone", info?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
    this.before = this.values();
    this.complain(null);
    this.ask(false);
    this.showRights();
    this.dialog.showModal();
    this.field("name")?.focus();
  }

  /** Show what the user may do with the calendar now, and keep what is typed. */
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
    const labels: Readonly<Record<string, TextName>> = {
      "[data-save]": isNew ? "create" : "save",
      "[data-share-label]": mayChange ? "share" : "people",
      ".actions__end [data-close]": mayChange ? "cancel" : "close",
    };
    for (const [selector, name] of Object.entries(labels)) {
      const button = this.dialog?.querySelector(selector);
      if (button) button.textContent = page.texts[name];
    }
    if (!mayChange) this.ask(false);
  }

  private async save(): Promise<void> {
    const fields = { name: this.value("name"), color: this.value("color"), timeZone: this.value("timeZone") };
    await this.change(this.parts.client.saveCalendar(this.calendar, fields));
  }

  private async remove(): Promise<void> {
    const { calendar } = this;
    if (calendar === null) return;
    this.deleted.add(calendar); // the push may come before the answer
    const isDone = await this.change(this.parts.client.deleteCalendar(calendar));
    if (!isDone) this.deleted.delete(calendar);
  }

  /** Close the dialog if a change is done, or say why it is not. Returns whether it was done. */
  private async change(change: Promise<Result<unknown>>): Promise<boolean> {
    const { opened } = this;
    this.complain(null);
    const result = await change;
    if (opened !== this.opened) return result.ok;
    if (result.ok) this.dialog?.close();
    else this.complain(result.error);
    return result.ok;
  }

  private ask(on: boolean): void {
    const panel = this.dialog?.querySelector<HTMLElement>("[data-panel]");
    if (!panel) return;
    const footer = this.dialog?.querySelector<HTMLElement>("footer");
    const wasOn = !panel.hidden;
    panel.hidden = !on;
    panel.toggleAttribute("data-question", on);
    if (footer) footer.hidden = on;
    if (on) panel.querySelector<HTMLElement>("[data-keep]")?.focus();
    else if (wasOn) this.dialog?.querySelector<HTMLElement>("[data-ask]")?.focus();
  }

  /** Say at each field what is wrong with it, and above the fields any other problem. */
  private complain(error: ApiError | null): void {
    const wrong = FIELDS.filter((name) => this.complainOf(name, error?.fields?.[name]?.[0] ?? ""));
    this.notice(error === null || wrong.length > 0 ? "" : complaintOf(error, this.parts.page));
    if (wrong[0]) this.field(wrong[0])?.focus();
  }

  private notice(text: string): void {
    const notice = this.dialog?.querySelector<HTMLElement>("[data-problem]");
    if (notice) say(notice, text);
  }

  private complainOf(name: string, text: string): boolean {
    const field = this.field(name);
    field?.setAttribute("aria-invalid", String(text !== ""));
    const line = document.getElementById(field?.getAttribute("aria-describedby") ?? "");
    if (line) say(line, text);
    return text !== "";
  }

  private field(name: string): HTMLInputElement | null {
    return this.form?.querySelector<HTMLInputElement>(`[name="${name}"]`) ?? null;
  }

  private values(): readonly string[] {
    return FIELDS.map((name) => this.value(name));
  }

  private value(name: string): string {
    return this.field(name)?.value ?? "";
  }

  private set(name: string, value: string): void {
    const field = this.field(name);
    if (field) field.value = value;
  }
}

function say(line: HTMLElement, text: string): void {
  line.hidden = text === "";
  line.textContent = text;
}
