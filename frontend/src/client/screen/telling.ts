/** Turns what calendars and the connection report into the client's events and repaints. */
import type { ChangeSet, GoneReason } from "../../core/model";
import { isLoading } from "../../core/picture";
import type { Item, Unreadable } from "../../protocol/item";
import type { CalendarList } from "../api/calendars";
import type { CalendarRunner } from "../sync/calendar-runner";
import type { SyncListener } from "../sync/sync";
import type { Emitter, LiveEvents } from "./events";
import type { Repaints } from "./repaints";
import type { Showing } from "./showing";

interface Parts {
  readonly emitter: Emitter;
  readonly showing: Showing;
  readonly repaints: Repaints;
  readonly list: CalendarList;
  readonly userId: string | null;
  /** The runners of all calendars that are or were shown. */
  runners(): ReadonlyMap<string, CalendarRunner>;
}

export class Telling {
  /** Tells whether this page made a change. A page that only reads makes none. */
  isOwn: (mutationId: string | null) => boolean = () => false;
  private wasLoading = false;
  /**
   * The items that could not be read, by calendar and id (or fault), so that the page is told of each once and not with
   * every feed.
   */
  private readonly unreadable = new Set<string>();

  constructor(private readonly parts: Parts) {}

  listener(): SyncListener {
    const { emitter, showing, list } = this.parts;
    return {
      pictureChanged: (calendar, ids, change) => this.pictureChanged(calendar, ids, change),
      blank: (calendar) => showing.drop(calendar),
      changed: (calendar, change, before) => this.changed(calendar, change, before),
      loadingChanged: () => this.loadingChanged(),
      gone: (calendar, reason) => this.calendarGone(calendar, reason),
      feedRefused: (calendar, error) => emitter.emit("feedRefused", { calendar, error }),
      unreadable: (calendar, items) => this.tellUnreadable(calendar, items),
      fault: (detail) => this.tellFault(detail),
      statusChanged: (status, way) => emitter.emit("status", { status, way }),
      calendarReceived: (info) => {
        if (list.set(info)) this.calendarsChanged();
      },
    };
  }

  calendarsChanged(): void {
    this.repaintAll();
    this.parts.emitter.emit("calendarsChanged", { calendars: this.parts.list.all() });
  }

  repaintAll(): void {
    for (const calendar of this.parts.runners().keys()) this.parts.repaints.add(calendar, "all");
  }

  /**
   * Tell the page of a change. An item that could not be read was not deleted: the page must not say that it was, nor
   * offer to undo it.
   */
  private changed(calendar: string, change: ChangeSet, before: readonly Item[]): void {
    const lost = new Set(change.unreadable.map(({ id }) => id));
    for (const { id } of change.upserted) this.unreadable.delete(`${calendar} ${id}`);
    this.parts.emitter.emit("changed", {
      calendar,
      state: change.newState,
      before: before.filter(({ id }) => !lost.has(id)),
      after: change.upserted,
      ...this.signed(change),
      upserted: change.upserted.map(({ id }) => id),
      destroyed: change.destroyed.filter((id) => !lost.has(id)),
    });
  }

  private tellUnreadable(calendar: string, items: readonly Unreadable[]): void {
    const news = items.filter(({ id, detail }) => !this.unreadable.has(`${calendar} ${id ?? detail}`));
    if (news.length === 0) return;
    for (const { id, detail } of news) this.unreadable.add(`${calendar} ${id ?? detail}`);
    this.tellFault(`calendar ${calendar}: ${news.map(({ detail }) => detail).join("; ")}`);
    this.parts.emitter.emit("unreadable", { calendar, ids: news.flatMap(({ id }) => id ?? []) });
  }

  private tellFault(detail: string): void {
    console.warn(`calendar_live: ${detail}`);
    this.parts.emitter.emit("fault", { detail });
  }

  private calendarGone(calendar: string, reason: GoneReason): void {
    const { emitter, list } = this.parts;
    const wasListed = list.remove(calendar);
    emitter.emit("calendarGone", { calendar, reason });
    if (wasListed) emitter.emit("calendarsChanged", { calendars: list.all() });
  }

  private pictureChanged(calendar: string, ids: readonly string[], change: ChangeSet | null): void {
    const { repaints, emitter, showing } = this.parts;
    repaints.add(calendar, ids);
    for (const id of ids) {
      if (change?.unreadable.some((one) => one.id === id)) continue;
      const key = { calendar, id };
      const news = showing.news(key);
      if (news === null) continue;
      const kind = news.after === null ? "deleted" : "changed";
      emitter.emit("heldItemChanged", { key, change: kind, ...news, ...this.signed(change) });
    }
  }

  private loadingChanged(): void {
    const { repaints, emitter, runners } = this.parts;
    const loading = [...runners().values()].some((runner) => isLoading(runner.state));
    repaints.schedule();
    if (loading === this.wasLoading) return;
    this.wasLoading = loading;
    emitter.emit("loading", { loading });
  }

  private signed(change: ChangeSet | null): Pick<LiveEvents["changed"], "actor" | "mutationId" | "own"> {
    const actor = change?.actor ?? null;
    const mutationId = change?.mutationId ?? null;
    const byMe = actor !== null && actor.id === this.parts.userId;
    return { actor, mutationId, own: byMe || this.isOwn(mutationId) };
  }
}
