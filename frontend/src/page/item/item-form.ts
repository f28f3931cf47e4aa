/** Runs the form of an item: moves the end with the start, explains time zones, and knows what was typed. */

import { Temporal } from "temporal-polyfill";
import { isState, movedEnd, type State } from "../../fullcalendar";
import { fill, type PageData } from "../words/page-data";
import { explainHere } from "./local-time";
import { momentsOf } from "./wall-time";

type Edge = (typeof EDGES)[number];

const EDGES = ["start", "end"] as const;
const START: ReadonlySet<string> = new Set(["start_date", "start_time", "start_fold"]);
/** The other fields that say how long an item is. */
const SPAN: ReadonlySet<string> = new Set(["end_date", "end_time", "end_fold", "time_zone", "all_day"]);

export class ItemForm {
  private dirty: boolean;
  /** The item's span according to the fields of the form, as it was before its start was moved. */
  private span: { readonly start: number; readonly end: number } | null = null;
  /** Whether the item ended at midnight before it became all-day. */
  private endsAtMidnight = false;

  constructor(
    readonly element: HTMLFormElement,
    private readonly page: PageData,
  ) {
    this.dirty = "touched" in element.dataset;
    element.addEventListener("input", (event) => this.typed(event.target));
    this.measure();
    this.explain();
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

  /** Return what was typed as a text, to be copied. */
  asText(): string {
    const day = [
      this.value("start_date"),
      this.value("start_time"),
      "–",
      this.value("end_date"),
      this.value("end_time"),
    ];
    const lines = [
      this.value("title"),
      day.join(" "),
      this.value("location"),
      this.value("description"),
      this.value("url"),
      this.value("tags"),
    ];
    return lines.filter(Boolean).join("\n");
  }

  /** Return what a submit would send. */
  typedFields(): URLSearchParams {
    return new URLSearchParams([...new FormData(this.element)].map(([name, text]) => [name, String(text)]));
  }

  /** Tell whether a newer change makes the form out of date: it compares two versions, or is locked by a deletion. */
  isOutdatedByChange(): boolean {
    return this.element.querySelector("[data-versions], [data-news=deleted]:not([hidden])") !== null;
  }

  /** Hide everything that saves, deletes or moves the item. */
  lock(): void {
    const parts = "[data-save], [data-compare], [data-versions], [data-panel-open=delete], [data-panel-open=move]";
    for (const part of this.element.querySelectorAll<HTMLElement>(parts)) part.hidden = true;
  }

  private typed(target: EventTarget | null): void {
    this.dirty = true;
    const name = target instanceof HTMLInputElement || target instanceof HTMLSelectElement ? target.name : "";
    if (name === "all_day") this.switchAllDay();
    if (START.has(name)) this.moveEnd();
    else if (SPAN.has(name)) this.measure();
    this.explain();
  }

  /**
   * Move the end with the start, so that the item keeps its length. An end that was typed first and lies before the
   * start stays where it is.
   */
  private moveEnd(): void {
    const start = this.moment("start");
    const { span } = this;
    if (!start || !span || span.end < span.start) return;
    const end = movedEnd(span, start.epochMilliseconds, start.timeZoneId);
    this.setEnd(Temporal.Instant.fromEpochMilliseconds(end).toZonedDateTimeISO(start.timeZoneId));
  }

  private setEnd(end: Temporal.ZonedDateTime): void {
    this.set("end_date", end.toPlainDate().toString());
    if (this.isAllDay()) return;
    this.set("end_time", end.toPlainTime().toString({ smallestUnit: "minute" }));
    const moments = momentsOf(end.toPlainDateTime(), end.timeZoneId);
    if (moments.length > 1) this.set("end_fold", String(moments.findIndex((one) => one.equals(end))));
  }

  /** Remember how long the item is. While a field is half typed, the previous length counts. */
  private measure(): void {
    const [start, end] = [this.moment("start"), this.moment("end")];
    if (start && end) this.span = { start: start.epochMilliseconds, end: end.epochMilliseconds };
  }

  /** Count an end at midnight as part of the day before, which is the last day of an all-day item. */
  private switchAllDay(): void {
    const allDay = this.isAllDay();
    const [first, last] = [this.day("start"), this.day("end")];
    if (!first || !last || this.value("end_time") !== "00:00") return;
    if (allDay) this.endsAtMidnight = Temporal.PlainDate.compare(first, last) < 0;
    if (this.endsAtMidnight) this.set("end_date", last.add({ days: allDay ? -1 : 1 }).toString());
  }

  private isAllDay(): boolean {
    const field = this.element.elements.namedItem("all_day");
    return field instanceof HTMLInputElement && field.checked;
  }

  private day(edge: Edge): Temporal.PlainDate | null {
    try {
      return Temporal.PlainDate.from(this.value(`${edge}_date`));
    } catch {
      return null; // half typed
    }
  }

  /**
   * Return the moments that an edge may mean: two where the clocks go back, none while it is half typed, and midnight
   * in UTC if the item is all-day.
   */
  private moments(edge: Edge): readonly Temporal.ZonedDateTime[] {
    try {
      const day = Temporal.PlainDate.from(this.value(`${edge}_date`));
      if (this.isAllDay()) return [day.toZonedDateTime("UTC")];
      const time = Temporal.PlainTime.from(this.value(`${edge}_time`));
      return momentsOf(day.toPlainDateTime(time), this.value("time_zone"));
    } catch {
      return []; // no such day, time or zone (yet)
    }
  }

  private moment(edge: Edge): Temporal.ZonedDateTime | null {
    const moments = this.moments(edge);
    return moments[Number(this.value(`${edge}_fold`))] ?? moments[0] ?? null;
  }

  private set(name: string, value: string): void {
    const field = this.element.elements.namedItem(name);
    if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
  }

  private explain(): void {
    for (const edge of EDGES) this.explainFold(edge);
    this.explainZone();
  }

  /** Offer a choice for a time that the clocks show twice. */
  private explainFold(edge: Edge): void {
    const moments = this.moments(edge);
    const place = this.element.querySelector<HTMLElement>(`[data-fold="${edge}"]`);
    if (!place) return;
    place.hidden = moments.length < 2;
    const { firstTime, secondTime } = this.page.texts;
    const options = place.querySelectorAll("option");
    for (const [fold, text] of [firstTime, secondTime].entries()) {
      const [option, moment] = [options[fold], moments[fold]];
      if (option && moment) option.textContent = fill(text, { offset: moment.offset });
    }
  }

  /** Say when the item takes place in the reader's own zone. */
  private explainZone(): void {
    const hint = this.element.querySelector<HTMLElement>("[data-local-hint]");
    if (!hint) return;
    const [start, end] = this.isAllDay() ? [] : [this.moment("start"), this.moment("end")];
    const span = start && end ? ([new Date(start.epochMilliseconds), new Date(end.epochMilliseconds)] as const) : null;
    explainHere(hint, this.page, { zone: this.value("time_zone"), span });
  }
}

/** Offer the names of all time zones to the forms, once. */
export function offerTimeZones(): void {
  const list = document.getElementById("time-zones");
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    list?.append(Object.assign(document.createElement("option"), { value: zone }));
  }
}
