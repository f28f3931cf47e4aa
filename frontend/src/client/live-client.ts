/** The client of a page: one socket for all its calendars, their stores, and what the page is told. Decides nothing that core decides. */
import type { Status, Way } from "../core/connection";
import type { ChangeSet, GoneReason } from "../core/model";
import { isLoading, lookUp, picture } from "../core/picture";
import type { Range } from "../core/range";
import type { UndoStep } from "../core/undo";
import type { CalendarInfo } from "../protocol/frames";
import type { Item } from "../protocol/item";
import type { State } from "../protocol/state";
import { type CalendarFields, CalendarList } from "./calendars";
import { browserEdges, type Edges } from "./edges";
import { Emitter, type ItemKey, type LiveEvents } from "./events";
import { type DirtyListener, FrameBatch } from "./frames";
import { type Call, httpCaller, type Result } from "./http";
import { persistently } from "./persistence";
import { Sharing } from "./sharing";
import { type ItemFilter, Showing } from "./showing";
import { Sync, type SyncListener } from "./sync";
import { readTrash, type TrashedItem } from "./trash";
import { carryOut, Returned, type UndoCalls, type UndoOutcome } from "./undoing";
import {
  type Deleted,
  type DeleteOptions,
  deleteItem,
  deleteItems,
  type Edit,
  type Expected,
  editItems,
  moveItem,
  type PatchOptions,
  patchItem,
  restoreItems,
  type Written,
} from "./writing";

export interface LiveClientOptions {
  /** Default `/api/`. */
  readonly apiUrl?: string;
  /** Default `/ws/`. */
  readonly socketUrl?: string;
  /** A public link's token: what to ask by, in place of the session's cookie. */
  readonly link?: string;
  /** The signed-in user's id: tells own changes apart, for highlighting. */
  readonly userId?: string;
  /** The title of busy items, in the reader's language. Default "Busy". */
  readonly busyTitle?: string;
  /** Replaces parts of the outside world: another transport, or a test's clock. */
  readonly edges?: Partial<Edges>;
}

const OWN_MUTATIONS_AT_MOST = 256;

/** Return a client. It connects when the first calendar is shown. */
export function createLiveClient(options: LiveClientOptions = {}): LiveClient {
  const { socketUrl = "/ws/", link, edges } = options;
  const socket = link === undefined ? socketUrl : `${socketUrl}?link=${encodeURIComponent(link)}`;
  return new LiveClient(options, { ...browserEdges(socket), ...edges });
}

export class LiveClient {
  readonly busyTitle: string;
  /** Who shares a calendar, and by which links. */
  readonly sharing: Sharing;
  private readonly userId: string | null;
  private readonly emitter = new Emitter();
  private readonly showing: Showing;
  private readonly batch: FrameBatch;
  private readonly call: Call;
  private readonly list: CalendarList;
  private readonly sync: Sync;
  private readonly ownMutations = new Set<string>();
  private readonly undos = new Set<string>();
  private readonly returned = new Returned();
  private wasLoading = false;

  constructor(
    { apiUrl = "/api/", link, userId, busyTitle = "Busy" }: LiveClientOptions,
    private readonly edges: Edges,
  ) {
    this.busyTitle = busyTitle;
    this.userId = userId ?? null;
    this.showing = new Showing((key) => this.item(key));
    this.batch = new FrameBatch(edges);
    this.call = this.watchSignIn(httpCaller(edges, apiUrl, link));
    this.sharing = new Sharing(this.call);
    this.list = new CalendarList(this.call);
    this.sync = new Sync(edges, this.call, this.listener());
  }

  // What a page uses.

  /** Listen to an event; returns how to stop. */
  on<Name extends keyof LiveEvents>(name: Name, listener: (event: LiveEvents[Name]) => void): () => void {
    return this.emitter.on(name, listener);
  }

  status(): Status {
    return this.sync.status;
  }

  /** By what changes reach this page: requests take a WebSocket's place where none is let through, at the same speed. */
  way(): Way {
    return this.sync.way;
  }

  /** Read the list of calendars one may see. */
  async loadCalendars(): Promise<Result<readonly CalendarInfo[]>> {
    const result = await this.list.load();
    if (result.ok) this.calendarsChanged();
    return result;
  }

  calendars(): readonly CalendarInfo[] {
    return this.list.all();
  }

  calendarInfo(calendar: string): CalendarInfo | undefined {
    return this.list.get(calendar);
  }

  /** Hear of calendars from now on, also while none is shown: the first one may come at any time. */
  listen(): void {
    this.sync.listen();
  }

  /** Take a calendar off the screen or put it on, without a request: its store stays live. */
  setShown(calendar: string, shown: boolean): void {
    this.showing.setShown(calendar, shown);
    this.batch.add(calendar, "all");
  }

  isShown(calendar: string): boolean {
    return this.showing.isShown(calendar);
  }

  /** Show only what a predicate accepts (null: all), without a request (C9). */
  setFilter(filter: ItemFilter | null): void {
    this.showing.setFilter(filter);
    this.batchAll();
  }

  /** Return an item as it is now, whatever the filter; undefined when it is gone or was never loaded. */
  item(key: ItemKey): Item | undefined {
    const runner = this.sync.runners.get(key.calendar);
    return runner && lookUp(runner.state, key.id);
  }

  /** Hold an item's picture while its dialog is open (C10); returns the release. */
  hold(key: ItemKey): () => void {
    let held = this.showing.hold(key);
    return () => {
      if (held) this.release(key);
      held = false;
    };
  }

  release(key: ItemKey): void {
    if (this.showing.release(key)) this.batch.add(key.calendar, [key.id]);
  }

  /** Paint an item anew from what is known: something else has painted over it. */
  repaint(key: ItemKey): void {
    this.batch.add(key.calendar, [key.id]);
  }

  /** Paint a calendar anew from what is known. */
  repaintCalendar(calendar: string): void {
    this.batch.add(calendar, "all");
  }

  isHeld(key: ItemKey): boolean {
    return this.showing.isHeld(key);
  }

  /** Return a fresh Idempotency-Key; the change that carries it is known as this page's own. */
  newMutationId(): string {
    const id = this.edges.uuid();
    this.ownMutations.add(id);
    const [oldest] = this.ownMutations;
    if (this.ownMutations.size > OWN_MUTATIONS_AT_MOST && oldest !== undefined) this.ownMutations.delete(oldest);
    return id;
  }

  /** Change an item: shown at once, sent in its turn, repeated until it is answered, taken back when it is refused (C8). */
  patchItem(
    key: ItemKey,
    changes: object,
    { state, mutationId = this.newMutationId() }: Partial<PatchOptions> = {},
  ): Promise<Result<Written>> {
    const runner = this.sync.runners.get(key.calendar);
    if (runner !== undefined) return runner.mutate(key.id, { type: "patch", changes }, state ?? null, mutationId);
    const options = { mutationId, ...(state === undefined ? {} : { state }) };
    return persistently(this.edges, () => patchItem(this.call, key, changes, options));
  }

  /** Delete an item: gone at once, in the same way. */
  async deleteItem(
    key: ItemKey,
    { state, children, mutationId = this.newMutationId() }: Partial<DeleteOptions> = {},
  ): Promise<Result<Deleted>> {
    const below = children === undefined ? {} : { children };
    const runner = this.sync.runners.get(key.calendar);
    if (runner === undefined) {
      const options = { ...below, mutationId, ...(state === undefined ? {} : { state }) };
      return persistently(this.edges, () => deleteItem(this.call, key, options));
    }
    const result = await runner.mutate(key.id, { type: "delete", ...below }, state ?? null, mutationId);
    if (!result.ok) return result;
    return { ok: true, value: { id: key.id, calendar: key.calendar, state: result.value.state as State } };
  }

  /** Undo the deletion that made `state`. Returns the calendar's new state. */
  restoreItems(calendar: string, ids: readonly string[], state: State): Promise<Result<State>> {
    const options = { state, mutationId: this.newMutationId() };
    return persistently(this.edges, () => restoreItems(this.call, calendar, ids, options));
  }

  /** Move an item to another calendar. Returns the new state there. */
  moveItem(key: ItemKey, to: string, { state }: { readonly state?: State } = {}): Promise<Result<State>> {
    const options = { mutationId: this.newMutationId(), ...(state === undefined ? {} : { state }) };
    return persistently(this.edges, () => moveItem(this.call, key, to, options));
  }

  /** Put back what a change changed, as far as it is still as the change left it. */
  undo(steps: readonly UndoStep[]): Promise<UndoOutcome> {
    const calls: UndoCalls = {
      edit: (calendar, edits) => this.undoEdits(calendar, edits),
      remove: (calendar, items) => this.undoCreations(calendar, items),
      restore: (calendar, ids, state) =>
        this.persist(this.undoId(), (mutationId) => restoreItems(this.call, calendar, ids, { state, mutationId })),
      move: (key, to, state) =>
        this.persist(this.undoId(), (mutationId) => moveItem(this.call, key, to, { state, mutationId })),
    };
    return carryOut(calls, steps, this.returned);
  }

  /** A single item is edited as by hand: shown at once, and after what is under way for it. */
  private async undoEdits(calendar: string, edits: readonly Edit[]): Promise<Result<State | null>> {
    const [edit, more] = edits;
    if (edit === undefined || more !== undefined) {
      return this.persist(this.undoId(), (mutationId) => editItems(this.call, calendar, edits, mutationId));
    }
    const { id, changes, state } = edit;
    const result = await this.patchItem({ calendar, id }, changes, { state, mutationId: this.undoId() });
    return result.ok ? { ok: true, value: result.value.state } : result;
  }

  private async undoCreations(calendar: string, items: readonly Expected[]): Promise<Result<State>> {
    const [item, more] = items;
    if (item === undefined || more !== undefined) {
      return this.persist(this.undoId(), (mutationId) => deleteItems(this.call, calendar, items, mutationId));
    }
    const result = await this.deleteItem({ calendar, id: item.id }, { state: item.state, mutationId: this.undoId() });
    return result.ok ? { ok: true, value: result.value.state } : result;
  }

  /** Whether a change is an Undo of this page. */
  isUndo(mutationId: string | null): boolean {
    return mutationId !== null && this.undos.has(mutationId);
  }

  private persist<T>(mutationId: string, attempt: (mutationId: string) => Promise<Result<T>>): Promise<Result<T>> {
    return persistently(this.edges, () => attempt(mutationId));
  }

  private undoId(): string {
    const id = this.newMutationId();
    this.undos.add(id);
    return id;
  }

  /** Read what can be restored of a calendar, newest first. */
  trash(calendar: string): Promise<Result<readonly TrashedItem[]>> {
    return readTrash(this.call, calendar);
  }

  /** Create a calendar (`null`), or change one. It appears by itself, everywhere. */
  saveCalendar(calendar: string | null, fields: CalendarFields): Promise<Result<unknown>> {
    return calendar === null
      ? this.call({ method: "POST", path: "calendars/", body: fields })
      : this.call({ method: "PATCH", path: `calendars/${calendar}/`, body: fields });
  }

  /** Delete a calendar with everything in it. It vanishes by itself, everywhere. */
  deleteCalendar(calendar: string): Promise<Result<unknown>> {
    return this.call({ method: "DELETE", path: `calendars/${calendar}/` });
  }

  /** Put the calendars into one's own order, on all one's pages. */
  orderCalendars(ids: readonly string[]): Promise<Result<unknown>> {
    return this.list.order(ids, () => this.calendarsChanged());
  }

  /** Whether something written here has no answer yet. */
  isWriting(): boolean {
    return [...this.sync.runners.values()].some((runner) => runner.isWriting);
  }

  /** A delete was answered (by `deleteItem`, or by the `workItemDeleted` event of htmx): hide the item at once; the store follows. */
  itemDeleted({
    calendar,
    id,
    state,
  }: {
    readonly calendar: string;
    readonly id: string;
    readonly state: State;
  }): void {
    this.sync.runners.get(calendar)?.take({ type: "deleteAnswered", id, state });
  }

  /** End everything: the socket, the timers, the requests. */
  close(): void {
    this.sync.close();
  }

  // What a screen (the plug-in) uses.

  /** A viewer shows a range of a calendar. `again`: ask the feed even when the range was just answered. */
  show(viewer: string, calendar: string, range: Range, again = false): void {
    this.sync.start(calendar).take({ type: "show", viewer, range, again });
  }

  /** A viewer is gone. */
  hide(viewer: string, calendar: string): void {
    this.sync.runners.get(calendar)?.take({ type: "hide", viewer });
    this.sync.leaveSoon();
  }

  /** Return what the screen shows of an item: filtered, and frozen while it is held. */
  shownItem(key: ItemKey): Item | undefined {
    return this.showing.item(key);
  }

  /** Go through what the screen shows of a calendar. */
  *shownItems(calendar: string): Generator<Item> {
    yield* this.showing.heldItems(calendar);
    const runner = this.sync.runners.get(calendar);
    if (runner === undefined) return;
    for (const item of picture(runner.state)) {
      if (!this.showing.isHeld(item) && this.showing.passes(item)) yield item;
    }
  }

  /** Be told once per frame what may look different. */
  onFrame(listener: DirtyListener): () => void {
    return this.batch.listen(listener);
  }

  isLoading(calendar: string): boolean {
    const runner = this.sync.runners.get(calendar);
    return runner !== undefined && isLoading(runner.state);
  }

  // What the calendars tell.

  private listener(): SyncListener {
    return {
      pictureChanged: (calendar, ids, change) => this.pictureChanged(calendar, ids, change),
      blank: (calendar) => this.showing.drop(calendar),
      changed: (calendar, change, before) =>
        this.emitter.emit("changed", {
          calendar,
          state: change.newState,
          before,
          after: change.upserted,
          ...this.signed(change),
          ...idsOf(change),
        }),
      loadingChanged: () => this.loadingChanged(),
      gone: (calendar, reason) => this.calendarGone(calendar, reason),
      feedRefused: (calendar, error) => this.emitter.emit("feedRefused", { calendar, error }),
      writeLost: (calendar, id) => this.emitter.emit("writeLost", { key: { calendar, id } }),
      fault: (detail) => this.emitter.emit("fault", { detail }),
      statusChanged: (status, way) => this.emitter.emit("status", { status, way }),
      calendarReceived: (info) => {
        if (this.list.set(info)) this.calendarsChanged();
      },
    };
  }

  private calendarsChanged(): void {
    this.batchAll();
    this.emitter.emit("calendarsChanged", { calendars: this.list.all() });
  }

  private calendarGone(calendar: string, reason: GoneReason): void {
    const wasListed = this.list.remove(calendar);
    this.emitter.emit("calendarGone", { calendar, reason });
    if (wasListed) this.emitter.emit("calendarsChanged", { calendars: this.list.all() });
  }

  private batchAll(): void {
    for (const calendar of this.sync.runners.keys()) this.batch.add(calendar, "all");
  }

  private pictureChanged(calendar: string, ids: readonly string[], change: ChangeSet | null): void {
    this.batch.add(calendar, ids);
    for (const id of ids) {
      const key = { calendar, id };
      const news = this.showing.news(key);
      if (news === null) continue;
      const kind = news.after === null ? "deleted" : "changed";
      this.emitter.emit("heldItemChanged", { key, change: kind, ...news, ...this.signed(change) });
    }
  }

  private loadingChanged(): void {
    const loading = [...this.sync.runners.values()].some((runner) => isLoading(runner.state));
    this.batch.schedule();
    if (loading === this.wasLoading) return;
    this.wasLoading = loading;
    this.emitter.emit("loading", { loading });
  }

  private signed(change: ChangeSet | null): Pick<LiveEvents["changed"], "actor" | "mutationId" | "own"> {
    const actor = change?.actor ?? null;
    const mutationId = change?.mutationId ?? null;
    const byMe = actor !== null && actor.id === this.userId;
    return { actor, mutationId, own: byMe || (mutationId !== null && this.ownMutations.has(mutationId)) };
  }

  private watchSignIn(call: Call): Call {
    return async (request) => {
      const result = await call(request);
      if (!result.ok && result.error.status === 401) this.sync.signedOut();
      return result;
    };
  }
}

function idsOf({ upserted, destroyed }: ChangeSet): Pick<LiveEvents["changed"], "upserted" | "destroyed"> {
  return { upserted: upserted.map((item) => item.id), destroyed };
}
