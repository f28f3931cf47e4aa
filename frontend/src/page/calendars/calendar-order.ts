/** Lets the user put the calendars of the sidebar in order, by dragging or by arrow keys. */
import type { LiveClient } from "../../fullcalendar";
import type { Toasts } from "../notice/toasts";
import { fill, type PageData } from "../words/page-data";
import { reasonOf } from "../words/refusals";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
}

const ROW = ".calendar-row";
const STEPS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1 };

export class CalendarOrder {
  private dragged: HTMLElement | null = null;
  /** The calendar below the dragged row when the drag began. */
  private below: string | null = null;
  private readonly said = document.getElementById("calendars-order");

  constructor(
    private readonly list: HTMLElement,
    private readonly parts: Parts,
  ) {
    list.addEventListener("keydown", (event) => this.pressed(event));
    list.addEventListener("pointerdown", (event) => this.lift(event));
    list.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) list.addEventListener(end, () => this.drop());
  }

  /** Put the rows into the order of the calendars. During a drag, this waits for the drop. */
  show(): void {
    if (this.dragged !== null) return;
    const ids = this.parts.client.calendars().map((info) => info.id);
    if (ids.join() === this.ids().join()) return;
    const focused = document.activeElement;
    for (const id of ids) {
      const row = this.rows().find((one) => idOf(one) === id);
      if (row) this.list.append(row);
    }
    // An element that is moved loses the focus.
    if (focused instanceof HTMLElement && this.list.contains(focused)) focused.focus();
  }

  private pressed(event: KeyboardEvent): void {
    const row = gripped(event);
    const step = STEPS[event.key];
    if (row === null || step === undefined) return;
    event.preventDefault();
    const ids = this.ids();
    const id = idOf(row);
    const place = ids.indexOf(id) + step;
    if (place < 0 || place >= ids.length) return;
    ids.splice(place - step, 1);
    ids.splice(place, 0, id);
    void this.save(ids);
    const { client, page } = this.parts;
    const name = client.calendarInfo(id)?.name ?? "";
    if (this.said) this.said.textContent = fill(page.texts.movedTo, { name, place: place + 1, count: ids.length });
  }

  private lift(event: PointerEvent): void {
    const row = event.button === 0 ? gripped(event) : null;
    if (row === null) return;
    event.preventDefault(); // so that no text is selected and the focus stays
    this.list.setPointerCapture(event.pointerId); // a row would lose the capture when it is moved
    this.dragged = row;
    this.below = belowOf(row);
    row.classList.add("calendar-row--dragged");
  }

  /** Move the dragged row above the first row whose middle is below the pointer. */
  private drag({ clientY }: PointerEvent): void {
    const { dragged } = this;
    if (!dragged?.isConnected) return; // its calendar has gone in the meantime
    const others = this.rows().filter((row) => row !== dragged);
    const next = others.find((row) => clientY < middle(row)) ?? null;
    if (dragged.nextElementSibling !== next) this.list.insertBefore(dragged, next);
  }

  private drop(): void {
    const { dragged } = this;
    if (dragged === null) return;
    this.dragged = null;
    dragged.classList.remove("calendar-row--dragged");
    const below = belowOf(dragged);
    if (!dragged.isConnected || below === this.below) return this.show();
    // Move only this row within the current order, because another page may have moved others in the meantime.
    const id = idOf(dragged);
    const others = this.parts.client.calendars().filter((info) => info.id !== id);
    const ids = others.map((info) => info.id);
    ids.splice(below === null ? ids.length : ids.indexOf(below), 0, id);
    void this.save(ids);
  }

  private async save(ids: readonly string[]): Promise<void> {
    const { client, page, toasts } = this.parts;
    const result = await client.orderCalendars(ids);
    if (!result.ok) toasts.once(fill(page.texts.orderFailed, { reason: reasonOf(result.error, page) }));
  }

  private rows(): HTMLElement[] {
    return [...this.list.querySelectorAll<HTMLElement>(ROW)];
  }

  private ids(): string[] {
    return this.rows().map(idOf);
  }
}

function gripped({ target }: Event): HTMLElement | null {
  const grip = target instanceof Element ? target.closest("[data-grip]") : null;
  return grip?.closest<HTMLElement>(ROW) ?? null;
}

function idOf(row: HTMLElement): string {
  return row.querySelector("input")?.dataset["calendar"] ?? "";
}

/** Return the calendar of the row below, or null. */
function belowOf(row: HTMLElement): string | null {
  const next = row.nextElementSibling;
  return next instanceof HTMLElement ? idOf(next) : null;
}

function middle(row: HTMLElement): number {
  const { top, height } = row.getBoundingClientRect();
  return top + height / 2;
}
