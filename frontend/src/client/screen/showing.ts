/** Decides which part of the store is on screen: calendars turned off, the filter, and held items (C9, C10). */
import type { Item, ItemKey } from "../../protocol/item";

export type ItemFilter = (item: Item, key: ItemKey) => boolean;
export type LookUp = (key: ItemKey) => Item | undefined;

interface Hold {
  readonly count: number;
  /** What the screen shows until the last release. */
  readonly item: Item;
  /** The item as the page was last told of it. */
  readonly told: Item | undefined;
}

export class Showing {
  private filter: ItemFilter | null = null;
  private readonly off = new Set<string>();
  private readonly holds = new Map<string, Hold>();

  constructor(private readonly lookUp: LookUp) {}

  setFilter(filter: ItemFilter | null): void {
    this.filter = filter;
  }

  setShown(calendar: string, shown: boolean): void {
    if (shown) this.off.delete(calendar);
    else this.off.add(calendar);
  }

  isShown(calendar: string): boolean {
    return !this.off.has(calendar);
  }

  /** Return what the screen should show of an item, or undefined. */
  item(key: ItemKey): Item | undefined {
    const hold = this.holds.get(text(key));
    if (hold !== undefined) return hold.item;
    const item = this.lookUp(key);
    return item !== undefined && this.passes(item) ? item : undefined;
  }

  /** Tell whether an item that is not held should be shown. */
  passes(item: Item): boolean {
    return this.isShown(item.calendar) && (this.filter === null || this.filter(item, item));
  }

  /** Return the held items of a calendar, as they are shown. */
  heldItems(calendar: string): Item[] {
    return [...this.holds.values()].map((hold) => hold.item).filter((item) => item.calendar === calendar);
  }

  isHeld(key: ItemKey): boolean {
    return this.holds.has(text(key));
  }

  /** Freeze an item's picture; holds are counted. Returns false if there is nothing to hold. */
  hold(key: ItemKey): boolean {
    const hold = this.holds.get(text(key));
    const item = hold?.item ?? this.lookUp(key);
    if (item === undefined) return false;
    this.holds.set(text(key), { count: (hold?.count ?? 0) + 1, item, told: hold ? hold.told : item });
    return true;
  }

  /** Release one hold. Returns true if it was the last one and the item has changed in the meantime. */
  release(key: ItemKey): boolean {
    const hold = this.holds.get(text(key));
    if (hold === undefined) return false;
    if (hold.count > 1) {
      this.holds.set(text(key), { ...hold, count: hold.count - 1 });
      return false;
    }
    this.holds.delete(text(key));
    return this.item(key)?.state !== hold.item.state;
  }

  /** End all holds of a calendar, because its items may not be shown any more. */
  drop(calendar: string): void {
    for (const item of this.heldItems(calendar)) this.holds.delete(text(item));
  }

  /** Return what a held item has become, once for each change; null if it has not changed. */
  news(key: ItemKey): { readonly before: Item; readonly after: Item | null } | null {
    const hold = this.holds.get(text(key));
    if (hold === undefined) return null;
    const now = this.lookUp(key);
    if (now?.state === hold.told?.state) return null;
    this.holds.set(text(key), { ...hold, told: now });
    return { before: hold.item, after: now ?? null };
  }
}

function text({ calendar, id }: ItemKey): string {
  return `${calendar}/${id}`;
}
