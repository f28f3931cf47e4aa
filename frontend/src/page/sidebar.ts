/** The calendars (on and off, remembered) and the filters. Says what is wanted; what is shown is the client's business. */
import type { Calendar } from "fullcalendar";
import { type CalendarInfo, type Item, isBusy, type LiveClient, liveEventSource } from "../fullcalendar";
import { CalendarOrder } from "./calendar-order";
import { fill, type PageData, type TextName } from "./page-data";
import { isOwner } from "./roles";
import type { Toasts } from "./toasts";
import { type Filter, passes } from "./view-place";

const HIDDEN = "calendar_live.hidden";

interface Parts {
  readonly client: LiveClient;
  readonly calendar: Calendar;
  readonly page: PageData;
  readonly toasts: Toasts;
  /** The text that says why a calendar is gone. */
  whyGone(calendar: string): TextName;
}

export class Sidebar {
  /** Somebody chose another filter. */
  onFilter: (filter: Filter) => void = () => {};
  private readonly list = document.getElementById("calendars");
  private readonly form = document.querySelector<HTMLFormElement>("#filters");
  private readonly order: CalendarOrder | null;
  private readonly names = new Map<string, string>();

  constructor(private readonly parts: Parts) {
    this.order = this.list && new CalendarOrder(this.list, parts);
    const hidden = readHidden();
    for (const toggle of this.toggles()) {
      const id = toggle.dataset["calendar"] ?? "";
      toggle.checked = !hidden.has(id);
      parts.client.setShown(id, toggle.checked);
    }
    this.showCalendars(parts.client.calendars());
    this.list?.addEventListener("change", (event) => this.toggle(event.target));
    this.form?.addEventListener("change", () => this.filter());
    // A reset event comes before the boxes are empty.
    this.form?.addEventListener("reset", () => setTimeout(() => this.filter()));
    parts.client.on("calendarsChanged", ({ calendars }) => this.showCalendars(calendars));
    parts.client.on("calendarGone", ({ calendar }) => this.removeCalendar(calendar));
  }

  /** Tick the boxes of a filter and show what it lets through. */
  showFilter(filter: Filter): void {
    const wanted: Readonly<Record<string, readonly string[]>> = { type: filter.types, status: filter.statuses };
    for (const box of this.boxes()) box.checked = wanted[box.name]?.includes(box.value) ?? false;
    this.apply(filter);
  }

  private apply(filter: Filter): void {
    const count = filter.types.length + filter.statuses.length;
    this.parts.client.setFilter(count === 0 ? null : (item) => passes(filter, facets(item)));
    const clear = document.getElementById("clear-filters");
    const sign = document.getElementById("filter-count");
    if (clear) clear.hidden = count === 0;
    if (sign) {
      sign.hidden = count === 0;
      sign.textContent = String(count);
    }
  }

  private filter(): void {
    const values = (name: string) => this.boxes().filter((box) => box.name === name && box.checked);
    const filter = {
      types: values("type").map((box) => box.value),
      statuses: values("status").map((box) => box.value),
    };
    this.apply(filter);
    this.onFilter(filter);
  }

  private toggle(target: EventTarget | null): void {
    if (!(target instanceof HTMLInputElement)) return;
    this.parts.client.setShown(target.dataset["calendar"] ?? "", target.checked);
    const off = this.toggles().filter((toggle) => !toggle.checked);
    writeHidden(off.map((toggle) => toggle.dataset["calendar"] ?? ""));
  }

  private showCalendars(calendars: readonly CalendarInfo[]): void {
    const { page, toasts } = this.parts;
    for (const info of calendars) {
      const known = this.toggleOf(info.id)?.closest<HTMLElement>(".calendar-row");
      const label = known ?? this.addCalendar(info);
      // What one owns was made or restored by oneself, here or in another tab.
      if (!known && !isOwner(info)) toasts.show(fill(page.texts.calendarShared, { name: info.name }));
      if (label) this.describe(label, info);
      this.names.set(info.id, info.name);
    }
    this.order?.show();
  }

  private addCalendar(info: CalendarInfo): HTMLElement | null {
    const template = document.querySelector<HTMLTemplateElement>("#calendar-template");
    const label = template?.content.firstElementChild?.cloneNode(true);
    if (!(label instanceof HTMLElement) || !this.list) return null;
    const toggle = label.querySelector("input");
    const edit = label.querySelector<HTMLElement>("[data-edit-calendar]");
    if (toggle) toggle.dataset["calendar"] = info.id;
    if (edit) edit.dataset["editCalendar"] = info.id;
    this.list.append(label);
    if (!this.parts.calendar.getEventSourceById(info.id)) {
      this.parts.calendar.addEventSource(liveEventSource(this.parts.client, info.id));
    }
    return label;
  }

  private describe(label: HTMLElement, info: CalendarInfo): void {
    const name = label.querySelector(".calendar-toggle__name");
    const role = label.querySelector<HTMLElement>(".calendar-toggle__role");
    const swatch = label.querySelector(".calendar-toggle__swatch");
    const edit = label.querySelector<HTMLElement>("[data-edit-calendar]");
    const { texts } = this.parts.page;
    edit?.setAttribute("aria-label", fill(texts.editNamed, { name: info.name }));
    label.querySelector("[data-grip]")?.setAttribute("aria-label", fill(texts.moveNamed, { name: info.name }));
    if (name) name.textContent = info.name;
    if (role) role.hidden = info.rights === "full";
    swatch?.setAttribute("fill", info.color);
    swatch?.setAttribute("stroke", info.color);
  }

  private removeCalendar(id: string): void {
    this.toggleOf(id)?.closest(".calendar-row")?.remove();
    this.parts.calendar.getEventSourceById(id)?.remove();
    const { whyGone, page, toasts } = this.parts;
    toasts.show(fill(page.texts[whyGone(id)], { name: this.names.get(id) ?? "" }));
  }

  private toggles(): HTMLInputElement[] {
    return [...(this.list?.querySelectorAll<HTMLInputElement>("input[data-calendar]") ?? [])];
  }

  private toggleOf(id: string): HTMLInputElement | undefined {
    return this.toggles().find((toggle) => toggle.dataset["calendar"] === id);
  }

  private boxes(): HTMLInputElement[] {
    return [...(this.form?.querySelectorAll<HTMLInputElement>("input[type=checkbox]") ?? [])];
  }
}

/** Nobody is told of what type a busy block is, so it passes no filter. */
function facets(item: Item): { readonly workType?: string; readonly status?: string } {
  return isBusy(item) ? {} : item;
}

function readHidden(): ReadonlySet<string> {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(HIDDEN) ?? "[]");
    return new Set(Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : []);
  } catch {
    return new Set(); // storage is forbidden or holds something else: everything is shown
  }
}

function writeHidden(ids: readonly string[]): void {
  try {
    localStorage.setItem(HIDDEN, JSON.stringify(ids));
  } catch {
    // Storage is full or forbidden: not remembered.
  }
}
