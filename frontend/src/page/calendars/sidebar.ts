/** Runs the sidebar, which turns calendars on and off and filters items. */
import type { Calendar } from "fullcalendar";
import { render } from "fullcalendar/preact";
import { type CalendarInfo, type Item, isBusy, isOwner, type LiveClient, liveEventSource } from "../../fullcalendar";
import { keepFocus } from "../dom/focus";
import { copyOf } from "../dom/rows";
import type { Toast, Toasts } from "../notice/toasts";
import { statusMark } from "../view/item-appearance";
import { NoMatch } from "../view/no-match";
import { type Facets, type Filter, passes, readTags, suggestedTags } from "../view/view-place";
import { fill, type PageData, type TextName } from "../words/page-data";
import { CalendarOrder } from "./calendar-order";

const HIDDEN = "calendar_live.hidden";
/** How long after the last key a typed tag is taken for whole. */
const TYPING_MS = 300;

interface Parts {
  readonly client: LiveClient;
  readonly calendar: Calendar;
  readonly page: PageData;
  readonly toasts: Toasts;
  /** Returns the name of the text that says why a calendar is gone. */
  whyGone(calendar: string): TextName;
}

export class Sidebar {
  /** Called when the user has chosen another filter. */
  onFilter: (filter: Filter) => void = () => {};
  private readonly list = document.getElementById("calendars");
  private readonly form = document.querySelector<HTMLFormElement>("#filters");
  private readonly tags = document.querySelector<HTMLInputElement>("#filter-tag");
  private readonly noMatch = new NoMatch();
  private typing: ReturnType<typeof setTimeout> | undefined;
  private readonly order: CalendarOrder | null;
  private readonly names = new Map<string, string>();
  private readonly told = new Map<string, Toast>();

  constructor(private readonly parts: Parts) {
    this.order = this.list && new CalendarOrder(this.list, parts);
    const hidden = readHidden();
    for (const toggle of this.toggles()) {
      const id = toggle.dataset["calendar"] ?? "";
      toggle.checked = !hidden.has(id);
      parts.client.setShown(id, toggle.checked);
    }
    this.showCalendars(parts.client.calendars());
    this.explainMarks();
    this.list?.addEventListener("change", (event) => this.toggle(event.target));
    this.form?.addEventListener("change", () => this.filter());
    this.tags?.addEventListener("focus", () => this.suggest());
    this.tags?.addEventListener("input", () => this.tagsTyped());
    this.form?.addEventListener("submit", (event) => {
      event.preventDefault(); // Enter in the field of the tags
      this.filter();
    });
    // A reset event comes before the boxes are cleared.
    this.form?.addEventListener("reset", () => setTimeout(() => this.reset()));
    parts.client.on("calendarsChanged", ({ calendars }) => this.showCalendars(calendars));
    parts.client.on("calendarGone", ({ calendar }) => this.removeCalendar(calendar));
  }

  /** Tick the boxes of a filter, and apply it. */
  showFilter(filter: Filter): void {
    const wanted: Readonly<Record<string, readonly string[]>> = { type: filter.types, status: filter.statuses };
    for (const box of this.boxes()) box.checked = wanted[box.name]?.includes(box.value) ?? false;
    if (this.tags) this.tags.value = filter.tags.join(", ");
    this.apply(filter);
  }

  /** Put the marks of statuses beside their names in the filters, where the names explain them. */
  private explainMarks(): void {
    for (const box of this.boxes()) {
      const mark = box.name === "status" ? statusMark(box.value) : null;
      const place = mark && document.createElement("span");
      if (!place) continue;
      render(mark, place);
      box.nextElementSibling?.prepend(place);
    }
  }

  private apply(filter: Filter): void {
    const count = filter.types.length + filter.statuses.length + filter.tags.length;
    this.parts.client.setFilter(count === 0 ? null : (item) => passes(filter, facets(item)));
    this.noMatch.show(count > 0);
    const clear = document.getElementById("clear-filters");
    const sign = document.getElementById("filter-count");
    if (clear) clear.hidden = count === 0;
    if (sign) {
      sign.hidden = count === 0;
      sign.textContent = String(count);
    }
  }

  private filter(): void {
    const filter = this.chosen();
    this.apply(filter);
    this.onFilter(filter);
  }

  private reset(): void {
    this.filter();
    keepFocus(); // the button that was clicked is hidden
  }

  /** Filter while the user types, but leave the address until the field is left, so that it gets no half tags. */
  private tagsTyped(): void {
    this.suggest();
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.apply(this.chosen()), TYPING_MS);
  }

  private suggest(): void {
    const known = [...this.parts.client.items()].flatMap((item) => facets(item).tags ?? []);
    const options = suggestedTags(this.tags?.value ?? "", known).map((text) => new Option(text, text));
    this.tags?.list?.replaceChildren(...options);
  }

  private chosen(): Filter {
    const values = (name: string) => this.boxes().filter((box) => box.name === name && box.checked);
    return {
      types: values("type").map((box) => box.value),
      statuses: values("status").map((box) => box.value),
      tags: readTags(this.tags?.value ?? ""),
    };
  }

  private toggle(target: EventTarget | null): void {
    if (!(target instanceof HTMLInputElement)) return;
    this.parts.client.setShown(target.dataset["calendar"] ?? "", target.checked);
    const off = this.toggles().filter((toggle) => !toggle.checked);
    writeHidden(off.map((toggle) => toggle.dataset["calendar"] ?? ""));
  }

  private showCalendars(calendars: readonly CalendarInfo[]): void {
    const { page } = this.parts;
    for (const info of calendars) {
      const known = this.toggleOf(info.id)?.closest<HTMLElement>(".calendar-row");
      const row = known ?? this.addCalendar(info);
      // A calendar that the user owns was created or restored by them, here or in another tab.
      if (!known) this.tell(info.id, isOwner(info) ? null : fill(page.texts.calendarShared, { name: info.name }));
      if (row) this.describe(row, info);
      this.names.set(info.id, info.name);
    }
    this.order?.show();
  }

  private addCalendar(info: CalendarInfo): HTMLElement | null {
    const row = copyOf("calendar-template");
    if (row === null || !this.list) return null;
    const toggle = row.querySelector("input");
    const edit = row.querySelector<HTMLElement>("[data-edit-calendar]");
    if (toggle) toggle.dataset["calendar"] = info.id;
    if (edit) edit.dataset["editCalendar"] = info.id;
    this.list.append(row);
    if (!this.parts.calendar.getEventSourceById(info.id)) {
      this.parts.calendar.addEventSource(liveEventSource(this.parts.client, info.id));
    }
    return row;
  }

  private describe(row: HTMLElement, info: CalendarInfo): void {
    const name = row.querySelector<HTMLElement>(".calendar-toggle__name");
    const role = row.querySelector<HTMLElement>(".calendar-toggle__role");
    const swatch = row.querySelector(".calendar-toggle__swatch");
    const edit = row.querySelector<HTMLElement>("[data-edit-calendar]");
    const { texts } = this.parts.page;
    edit?.setAttribute("aria-label", fill(texts.editNamed, { name: info.name }));
    row.querySelector("[data-grip]")?.setAttribute("aria-label", fill(texts.moveNamed, { name: info.name }));
    if (name) name.textContent = name.title = info.name;
    if (role) role.hidden = info.rights === "full";
    swatch?.setAttribute("fill", info.color);
    swatch?.setAttribute("stroke", info.color);
  }

  private removeCalendar(id: string): void {
    this.toggleOf(id)?.closest(".calendar-row")?.remove();
    keepFocus();
    this.parts.calendar.getEventSourceById(id)?.remove();
    const { whyGone, page } = this.parts;
    this.tell(id, fill(page.texts[whyGone(id)], { name: this.names.get(id) ?? "" }));
  }

  /** Show what happened to a calendar, in place of the last message about it. */
  private tell(calendar: string, text: string | null): void {
    this.told.get(calendar)?.remove();
    this.told.delete(calendar);
    if (text !== null) this.told.set(calendar, this.parts.toasts.show(text));
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

/** Return what a filter compares. The type of a busy block is unknown, so it passes no filter. */
function facets(item: Item): Facets {
  return isBusy(item) ? {} : item;
}

function readHidden(): ReadonlySet<string> {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(HIDDEN) ?? "[]");
    return new Set(Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : []);
  } catch {
    return new Set(); // storage is forbidden, or has something else: show everything
  }
}

function writeHidden(ids: readonly string[]): void {
  try {
    localStorage.setItem(HIDDEN, JSON.stringify(ids));
  } catch {
    // Storage is full or forbidden, so the choice is not remembered.
  }
}
