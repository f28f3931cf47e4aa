/** Turns what the calendars and the connection tell into the client's events and what is to be painted. Never changes a store. */
import type { ChangeSet, GoneReason } from "../core/model";
import { isLoading } from "../core/picture";
import type { CalendarRunner } from "./calendar-runner";
import type { CalendarList } from "./calendars";
import type { Emitter, LiveEvents } from "./events";
import type { FrameBatch } from "./frames";
import type { OwnMutations } from "./own-mutations";
import type { Showing } from "./showing";
import type { SyncListener } from "./sync";

interface Parts {
  readonly emitter: Emitter;
  readonly showing: Showing;
  readonly batch: FrameBatch;
  readonly list: CalendarList;
  readonly own: OwnMutations;
  readonly userId: string | null;
  /** Of the calendars that are or were shown. */
  runners(): ReadonlyMap<string, CalendarRunner>;
}

export class Telling {
  private wasLoading = false;

  constructor(private readonly parts: Parts) {}

  listener(): SyncListener {
    const { emitter, showing, list } = this.parts;
    return {
      pictureChanged: (calendar, ids, change) => this.pictureChanged(calendar, ids, change),
      blank: (calendar) => showing.drop(calendar),
      changed: (calendar, change, before) =>
        emitter.emit("changed", {
          calendar,
          state: change.newState,
          before,
          after: change.upserted,
          ...this.signed(change),
          ...idsOf(change),
        }),
      loadingChanged: () => this.loadingChanged(),
      gone: (calendar, reason) => this.calendarGone(calendar, reason),
      feedRefused: (calendar, error) => emitter.emit("feedRefused", { calendar, error }),
      writeLost: (calendar, id) => emitter.emit("writeLost", { key: { calendar, id } }),
      fault: (detail) => emitter.emit("fault", { detail }),
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
    for (const calendar of this.parts.runners().keys()) this.parts.batch.add(calendar, "all");
  }

  private calendarGone(calendar: string, reason: GoneReason): void {
    const { emitter, list } = this.parts;
    const wasListed = list.remove(calendar);
    emitter.emit("calendarGone", { calendar, reason });
    if (wasListed) emitter.emit("calendarsChanged", { calendars: list.all() });
  }

  private pictureChanged(calendar: string, ids: readonly string[], change: ChangeSet | null): void {
    const { batch, emitter, showing } = this.parts;
    batch.add(calendar, ids);
    for (const id of ids) {
      const key = { calendar, id };
      const news = showing.news(key);
      if (news === null) continue;
      const kind = news.after === null ? "deleted" : "changed";
      emitter.emit("heldItemChanged", { key, change: kind, ...news, ...this.signed(change) });
    }
  }

  private loadingChanged(): void {
    const { batch, emitter, runners } = this.parts;
    const loading = [...runners().values()].some((runner) => isLoading(runner.state));
    batch.schedule();
    if (loading === this.wasLoading) return;
    this.wasLoading = loading;
    emitter.emit("loading", { loading });
  }

  private signed(change: ChangeSet | null): Pick<LiveEvents["changed"], "actor" | "mutationId" | "own"> {
    const { own, userId } = this.parts;
    const actor = change?.actor ?? null;
    const mutationId = change?.mutationId ?? null;
    const byMe = actor !== null && actor.id === userId;
    return { actor, mutationId, own: byMe || own.has(mutationId) };
  }
}

function idsOf({ upserted, destroyed }: ChangeSet): Pick<LiveEvents["changed"], "upserted" | "destroyed"> {
  return { upserted: upserted.map((item) => item.id), destroyed };
}
