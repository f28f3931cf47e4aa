/** Adds writing to a LiveReader: items, calendars, sharing, Undo and the trash. */
import type { UndoStep } from "../core/undo";
import type { ItemKey } from "../protocol/item";
import type { State } from "../protocol/state";
import type { Result } from "./api/http";
import type { Deleted, DeleteOptions, PatchOptions, Written } from "./api/items";
import { withKeys } from "./api/keys";
import { Sharing } from "./api/sharing";
import { readTrash, type TrashedItem } from "./api/trash";
import type { Edges } from "./edges";
import { edgesOf, LiveReader, type LiveReaderOptions } from "./live-reader";
import { type CalendarFields, CalendarWriter } from "./writing/calendar-writer";
import { ItemWriter } from "./writing/item-writer";
import { OwnMutations } from "./writing/own-mutations";
import type { UndoOutcome } from "./writing/undoing";

export type LiveClientOptions = LiveReaderOptions;

/** Return a client. It connects when the first calendar is shown. */
export function createLiveClient(options: LiveClientOptions = {}): LiveClient {
  return new LiveClient(options, edgesOf(options));
}

export class LiveClient extends LiveReader {
  /** The members, invitations and public links of calendars. */
  readonly sharing: Sharing;
  private readonly own: OwnMutations;
  private readonly writer: ItemWriter;
  private readonly calendarWriter: CalendarWriter;

  constructor(options: LiveClientOptions, edges: Edges) {
    super(options, edges);
    const { call, emitter, list, sync, telling } = this;
    const own = new OwnMutations(edges);
    telling.isOwn = (mutationId) => own.has(mutationId);
    this.own = own;
    // For all calls but those of items, whose writer has keys of its own.
    const callOnce = withKeys(call, edges.uuid, edges.now);
    this.sharing = new Sharing(callOnce);
    this.calendarWriter = new CalendarWriter(callOnce, list, edges);
    this.writer = new ItemWriter({
      edges,
      call,
      own,
      runner: (calendar) => sync.runners.get(calendar),
      lost: (key) => emitter.emit("writeLost", { key }),
      found: () => emitter.emit("writeFound", {}),
    });
  }

  /** Return a fresh Idempotency-Key. The client recognizes the change that has it as this page's own. */
  newMutationId(): string {
    return this.own.newId();
  }

  /**
   * Change an item. The change shows at once, is repeated until it is answered, and is undone if it is refused (C8).
   */
  patchItem(key: ItemKey, changes: object, options: Partial<PatchOptions> = {}): Promise<Result<Written>> {
    return this.writer.patch(key, changes, options);
  }

  /** Delete an item in the same way. It disappears at once. */
  deleteItem(key: ItemKey, options: Partial<DeleteOptions> = {}): Promise<Result<Deleted>> {
    return this.writer.remove(key, options);
  }

  /** Undo the deletion that made `state`. Returns the calendar's new state. */
  restoreItems(calendar: string, ids: readonly string[], state: State): Promise<Result<State>> {
    return this.writer.restore(calendar, ids, state);
  }

  /** Move an item to another calendar. Returns the new state there. */
  moveItem(key: ItemKey, to: string, { state }: { readonly state?: State } = {}): Promise<Result<State>> {
    return this.writer.move(key, to, state);
  }

  /** Undo a change, as far as its items are still as the change left them. */
  undo(steps: readonly UndoStep[]): Promise<UndoOutcome> {
    return this.writer.undo(steps);
  }

  /** Tell whether a change is an undo that this page made. */
  isUndo(mutationId: string | null): boolean {
    return this.own.isUndo(mutationId);
  }

  /** Read the deleted items of a calendar that can be restored, newest first. */
  trash(calendar: string): Promise<Result<readonly TrashedItem[]>> {
    return readTrash(this.call, calendar);
  }

  /** Create a calendar (`null`), or change one. Every page is told by push. */
  saveCalendar(calendar: string | null, fields: CalendarFields): Promise<Result<unknown>> {
    return this.calendarWriter.save(calendar, fields);
  }

  /** Delete a calendar with everything in it. Every page is told by push. */
  deleteCalendar(calendar: string): Promise<Result<unknown>> {
    return this.calendarWriter.remove(calendar);
  }

  /** Set the user's own order of calendars, on all their pages. */
  orderCalendars(ids: readonly string[]): Promise<Result<unknown>> {
    return this.calendarWriter.order(ids, () => this.telling.calendarsChanged());
  }

  /** Tell whether a write has lost its answer and is being repeated. The write shows, but may not be saved. */
  isUnsaved(): boolean {
    return this.writer.isUnsaved;
  }

  /**
   * Hide an item whose deletion was answered elsewhere, for example to htmx (event `workItemDeleted`). The store
   * follows by push.
   */
  itemDeleted({ calendar, id, state }: Deleted): void {
    this.sync.runners.get(calendar)?.take({ type: "deleteAnswered", id, state });
  }
}
