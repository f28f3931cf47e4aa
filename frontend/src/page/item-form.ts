/** The behaviour of the form in the dialog: times that move together, zones, what was typed. Makes no request. */

import { Temporal } from "temporal-polyfill";
import { isState, type State } from "../fullcalendar";
import { explainHere } from "./local-time";
import type { PageData } from "./page-data";

export class ItemForm {
  private dirty: boolean;
  private before: Temporal.PlainDateTime | null;

  constructor(
    readonly element: HTMLFormElement,
    private readonly page: PageData,
  ) {
    this.dirty = "touched" in element.dataset;
    this.before = this.wall("start");
    element.addEventListener("input", (event) => this.typed(event.target));
    this.explainZone();
  }

  isDirty(): boolean {
    return this.dirty;
  }

  /** Return a field's text. */
  value(name: string): string {
    const field = this.element.elements.namedItem(name);
    return field instanceof RadioNodeList || field === null || !("value" in field) ? "" : String(field.value);
  }

  /** Return the item's state that the form was filled with; null in the form of a new item. */
  state(): State | null {
    const state = this.value("state");
    return isState(state) ? state : null;
  }

  /** Return what was typed, to be kept elsewhere. */
  asText(): string {
    const day = [
      this.value("start_date"),
      this.value("start_time"),
      "–",
      this.value("end_date"),
      this.value("end_time"),
    ];
    const lines = [this.value("title"), day.join(" "), this.value("location"), this.value("description")];
    return lines.filter(Boolean).join("\n");
  }

  /** Nothing more can be saved under this item. */
  lock(): void {
    const parts = "[data-save], [data-compare], [data-versions], [data-panel-open=delete], [data-panel-open=move]";
    for (const part of this.element.querySelectorAll<HTMLElement>(parts)) part.hidden = true;
  }

  private typed(target: EventTarget | null): void {
    this.dirty = true;
    if (!(target instanceof HTMLInputElement)) return;
    if (target.name === "start_date" || target.name === "start_time") this.moveEnd();
    this.explainZone();
  }

  /** A start that moves takes its end along, so that the item stays as long as it is. */
  private moveEnd(): void {
    const start = this.wall("start");
    const end = this.wall("end");
    if (start && end && this.before) {
      const moved = end.add(this.before.until(start));
      this.set("end_date", moved.toPlainDate().toString());
      this.set("end_time", moved.toPlainTime().toString({ smallestUnit: "minute" }));
    }
    if (start) this.before = start;
  }

  private wall(edge: "start" | "end"): Temporal.PlainDateTime | null {
    try {
      const time = this.value(`${edge}_time`) || "00:00";
      return Temporal.PlainDate.from(this.value(`${edge}_date`)).toPlainDateTime(Temporal.PlainTime.from(time));
    } catch {
      return null; // half typed
    }
  }

  private set(name: string, value: string): void {
    const field = this.element.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = value;
  }

  /** An item at home in another zone says when that is here. */
  private explainZone(): void {
    const hint = this.element.querySelector<HTMLElement>("[data-local-hint]");
    const allDay = this.element.elements.namedItem("all_day");
    if (!hint) return;
    const isTimed = !(allDay instanceof HTMLInputElement && allDay.checked);
    const zone = this.value("time_zone");
    explainHere(hint, this.page, { zone, span: isTimed ? this.spanIn(zone) : null });
  }

  private spanIn(zone: string): [Date, Date] | null {
    try {
      const instants = (["start", "end"] as const).map((edge) => this.wall(edge)?.toZonedDateTime(zone));
      const [start, end] = instants.map((one) => one && new Date(one.epochMilliseconds));
      return start && end ? [start, end] : null;
    } catch {
      return null; // no such zone (yet)
    }
  }
}

/** Offer the names of all time zones to the forms, once. */
export function offerTimeZones(): void {
  const list = document.getElementById("time-zones");
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    list?.append(Object.assign(document.createElement("option"), { value: zone }));
  }
}
