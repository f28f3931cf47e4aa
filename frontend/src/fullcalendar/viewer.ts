/** Tracks the range of one event source, and which of its items FullCalendar must repaint. */

import type { LiveReader } from "../client/live-reader";
import { occurrences, type Range } from "../core/range";
import type { Item, ItemKey } from "../protocol/item";
import type { LiveSourceOption } from "./options";

let viewers = 0;

/** What one fetch hands to FullCalendar: everything in the range, or only what changed. */
export interface Batch {
  readonly whole: boolean;
  readonly ids: ReadonlySet<string>;
  readonly items: readonly Item[];
}

export class Viewer {
  readonly client: LiveReader;
  readonly calendar: string;
  private readonly name: string;
  private range: Range | null = null;
  /** Changes with FullCalendar's time zone or locale. Then every date must be read again. */
  private dateEnv: unknown = null;
  private dirty = new Set<string>();
  private allDirty = true;
  private batch: Batch | null = null;

  constructor({ client, calendar }: LiveSourceOption) {
    this.client = client;
    this.calendar = calendar;
    viewers += 1;
    this.name = `fullcalendar-${viewers}`;
  }

  /** Show a range and return what FullCalendar lacks of it. */
  fetch(range: Range, dateEnv: unknown, again: boolean): Batch {
    const moved = this.range?.start !== range.start || this.range.end !== range.end;
    if (moved || again) this.client.show(this.name, this.calendar, range, again);
    this.range = range;
    const whole = moved || again || this.allDirty || this.dateEnv !== dateEnv;
    this.dateEnv = dateEnv;
    const ids = new Set(this.dirty);
    const items = whole
      ? [...this.client.shownItems(this.calendar)].flatMap((item) => occurrences(item, range))
      : this.dirtyItems();
    this.batch = { whole, ids, items };
    return this.batch;
  }

  private dirtyItems(): Item[] {
    return [...this.dirty].flatMap((id) => this.shown({ calendar: this.calendar, id }));
  }

  /** Note that FullCalendar has taken the last fetch, and return what it was. */
  taken(): Batch | null {
    const { batch } = this;
    this.batch = null;
    if (batch === null) return null;
    for (const id of batch.ids) this.dirty.delete(id);
    if (batch.whole) this.allDirty = false;
    return batch;
  }

  /** Return what is shown of an item in the range. */
  shown(key: ItemKey): readonly Item[] {
    const item = this.client.shownItem(key);
    return item === undefined || this.range === null ? [] : occurrences(item, this.range);
  }

  /**
   * Remember which items must be painted again. An item that is not painted, and should not be, is no news. Returns
   * whether there is anything to paint.
   */
  mark(ids: ReadonlySet<string> | "all", isPainted: (id: string) => boolean): boolean {
    if (ids === "all") this.allDirty = true;
    else {
      for (const id of ids) {
        if (isPainted(id) || this.shown({ calendar: this.calendar, id }).length > 0) this.dirty.add(id);
      }
    }
    return this.range !== null && (this.allDirty || this.dirty.size > 0);
  }

  /** Leave the calendar, because the source or its FullCalendar is gone. */
  leave(): void {
    this.client.hide(this.name, this.calendar);
  }

  /** Show the range again, because FullCalendar is back (React's strict mode mounts twice). */
  comeBack(): void {
    if (this.range === null) return;
    this.allDirty = true;
    this.client.show(this.name, this.calendar, this.range);
  }

  get isLoading(): boolean {
    return this.client.isLoading(this.calendar);
  }
}
