/** Shows calendars live on a page that only reads: one connection, a store for each calendar, and events. */
import type { Status, Way } from "../core/connection";
import { isLoading, lookUp, picture } from "../core/picture";
import type { Range } from "../core/range";
import type { CalendarInfo } from "../protocol/frames";
import type { Item, ItemKey } from "../protocol/item";
import { CalendarList } from "./api/calendars";
import { type Call, httpCaller, type Result } from "./api/http";
import { browserEdges, type Edges } from "./edges";
import { Emitter, type LiveEvents } from "./screen/events";
import { type DirtyListener, Repaints } from "./screen/repaints";
import { type ItemFilter, Showing } from "./screen/showing";
import { Telling } from "./screen/telling";
import { Sync } from "./sync/sync";

export interface LiveReaderOptions {
  /** Default `/api/`. */
  readonly apiUrl?: string;
  /** Default `/ws/`. */
  readonly socketUrl?: string;
  /** A public link's token, which requests present in place of the session's cookie. */
  readonly link?: string;
  /**
   * The signed-in user's id. It marks the user's own changes, and keeps the page from using the session of another user
   * who signs in later.
   */
  readonly userId?: string;
  /** The title of busy items, in the reader's language. Default "Busy". */
  readonly busyTitle?: string;
  /** Replaces parts of the outside world: another transport, or a test's clock. */
  readonly edges?: Partial<Edges>;
}

/** Return a reader. It connects when the first calendar is shown. */
export function createLiveReader(options: LiveReaderOptions = {}): LiveReader {
  return new LiveReader(options, edgesOf(options));
}

/** Return the edges that the options ask for. */
export function edgesOf({ socketUrl = "/ws/", link, userId, edges }: LiveReaderOptions): Edges {
  const who = link === undefined ? { user: userId } : { link };
  return { ...browserEdges(withQuery(socketUrl, who)), ...edges };
}

function withQuery(url: string, fields: Readonly<Record<string, string | undefined>>): string {
  const named = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  return named.length === 0 ? url : `${url}${url.includes("?") ? "&" : "?"}${new URLSearchParams(named)}`;
}

export class LiveReader {
  readonly busyTitle: string;
  protected readonly emitter = new Emitter();
  protected readonly call: Call;
  protected readonly list: CalendarList;
  protected readonly telling: Telling;
  protected readonly sync: Sync;
  private readonly showing: Showing;
  private readonly repaints: Repaints;

  constructor({ apiUrl = "/api/", link, userId, busyTitle = "Busy" }: LiveReaderOptions, edges: Edges) {
    this.busyTitle = busyTitle;
    this.showing = new Showing((key) => this.item(key));
    this.repaints = new Repaints(edges);
    this.call = this.watchSignIn(httpCaller(edges, apiUrl, { link, user: userId }));
    this.list = new CalendarList(this.call);
    const { emitter, showing, repaints, call, list } = this;
    const runners = () => this.sync.runners;
    this.telling = new Telling({ emitter, showing, repaints, list, userId: userId ?? null, runners });
    this.sync = new Sync(edges, call, this.telling.listener());
  }

  // For pages.

  /** Listen to an event. Returns a function that stops listening. */
  on<Name extends keyof LiveEvents>(name: Name, listener: (event: LiveEvents[Name]) => void): () => void {
    return this.emitter.on(name, listener);
  }

  status(): Status {
    return this.sync.status;
  }

  /** Return how changes reach this page: by a socket, or by requests where a network blocks WebSockets. */
  way(): Way {
    return this.sync.way;
  }

  /** Read the list of calendars that the user may see. */
  async loadCalendars(): Promise<Result<readonly CalendarInfo[]>> {
    const result = await this.list.load();
    if (result.ok) this.telling.calendarsChanged();
    return result;
  }

  /** Take the list of calendars as the server wrote it into the page, so that nothing has to wait for a request. */
  useCalendars(list: unknown): void {
    if (this.list.take(list)) this.telling.calendarsChanged();
  }

  calendars(): readonly CalendarInfo[] {
    return this.list.all();
  }

  calendarInfo(calendar: string): CalendarInfo | undefined {
    return this.list.get(calendar);
  }

  /** Stay connected from now on, even while no calendar is shown, so that the page is told of the first one. */
  listen(): void {
    this.sync.listen();
  }

  /** Show or hide a calendar without a request; its store stays live. */
  setShown(calendar: string, shown: boolean): void {
    this.showing.setShown(calendar, shown);
    this.repaints.add(calendar, "all");
  }

  isShown(calendar: string): boolean {
    return this.showing.isShown(calendar);
  }

  /** Show only the items that a predicate accepts (null: all), without a request (C9). */
  setFilter(filter: ItemFilter | null): void {
    this.showing.setFilter(filter);
    this.telling.repaintAll();
  }

  /** Return an item as it is now, whatever the filter; undefined if it is gone or was never loaded. */
  item(key: ItemKey): Item | undefined {
    const runner = this.sync.runners.get(key.calendar);
    return runner && lookUp(runner.state, key.id);
  }

  /** Return the items of all calendars that are loaded, whatever the filter. */
  *items(): Generator<Item> {
    for (const runner of this.sync.runners.values()) yield* picture(runner.state);
  }

  /** Hold an item's picture while its dialog is open (C10). Returns a function that releases it. */
  hold(key: ItemKey): () => void {
    let held = this.showing.hold(key);
    return () => {
      if (held) this.release(key);
      held = false;
    };
  }

  release(key: ItemKey): void {
    if (this.showing.release(key)) this.repaints.add(key.calendar, [key.id]);
  }

  /** Repaint an item that something else has painted over. */
  repaint(key: ItemKey): void {
    this.repaints.add(key.calendar, [key.id]);
  }

  /** Repaint a calendar that something else has painted over. */
  repaintCalendar(calendar: string): void {
    this.repaints.add(calendar, "all");
  }

  isHeld(key: ItemKey): boolean {
    return this.showing.isHeld(key);
  }

  /** End everything: the socket, the timers, the requests. */
  close(): void {
    this.sync.close();
  }

  // For screens, such as the plug-in.

  /** Show a range of a calendar in a viewer. `again`: ask the feed even if the range was just answered. */
  show(viewer: string, calendar: string, range: Range, again = false): void {
    this.sync.start(calendar).take({ type: "show", viewer, range, again });
  }

  /** Remove a viewer. */
  hide(viewer: string, calendar: string): void {
    this.sync.runners.get(calendar)?.take({ type: "hide", viewer });
    this.sync.leaveSoon();
  }

  /** Return what the screen shows of an item: filtered, and frozen while it is held. */
  shownItem(key: ItemKey): Item | undefined {
    return this.showing.item(key);
  }

  /** Return the items of a calendar that the screen shows. */
  *shownItems(calendar: string): Generator<Item> {
    yield* this.showing.heldItems(calendar);
    const runner = this.sync.runners.get(calendar);
    if (runner === undefined) return;
    for (const item of picture(runner.state)) {
      if (!this.showing.isHeld(item) && this.showing.passes(item)) yield item;
    }
  }

  /** Listen, before each repaint, to what may have changed on screen. Returns a function that stops listening. */
  onRepaint(listener: DirtyListener): () => void {
    return this.repaints.listen(listener);
  }

  isLoading(calendar: string): boolean {
    const runner = this.sync.runners.get(calendar);
    return runner !== undefined && isLoading(runner.state);
  }

  private watchSignIn(call: Call): Call {
    return async (request) => {
      const result = await call(request);
      if (!result.ok && result.error.status === 401) this.sync.signedOut();
      return result;
    };
  }
}
