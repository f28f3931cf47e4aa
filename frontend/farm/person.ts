/** Runs one client as a page would, with edges of its own, and records what happens to it. */
import type { PageSignal } from "../src/client/edges";
import { createLiveClient, type LiveClient } from "../src/client/live-client";
import type { Sync } from "../src/client/sync/sync";
import type { CalendarState } from "../src/core/model";
import type { Range } from "../src/core/range";
import { type Item, readItem } from "../src/protocol/item";
import { revisionOf } from "../src/protocol/state";
import { clock } from "./clock";
import { NodeEdges, type Place } from "./edges";
import { type Lags, Progress } from "./lags";
import { CalendarWatch, type History } from "./watch";

export interface PersonOptions extends Place {
  readonly name: string;
  readonly calendars: readonly string[];
  readonly range: Range;
}

/** What a person tells the farm. */
export interface PersonListener {
  violation(rule: string, person: Person, calendar: string, detail: string): void;
  complaint(person: Person, detail: string): void;
  feedAsked(person: Person, calendar: string): void;
  left(person: Person): void;
  back(person: Person, awayMs: number): void;
  received(type: string, reason: string, over: "socket" | "requests"): void;
  applied(): void;
}

/**
 * Takes a frame on its way to a client, and returns the frame that the client gets. It serves tests of the farm itself.
 */
export type Tamper = (text: string) => string;

const FRAMES_AT_MOST = 50;

export class Person {
  readonly client: LiveClient;
  readonly frames: { at: number; over: string; text: string }[] = [];
  readonly feeds: number[] = [];
  over: "socket" | "requests" | null = null;
  leftAt: number | null = null;
  /** The last moment without a connection. */
  private awayAt = Number.POSITIVE_INFINITY;
  private everLive = false;
  private readonly edges: NodeEdges;
  private readonly watches = new Map<string, CalendarWatch>();
  private readonly progress = new Map<string, Progress>();

  constructor(
    readonly options: PersonOptions,
    private readonly listener: PersonListener,
    lags: Lags,
    histories: ((calendar: string) => History) | null,
  ) {
    this.edges = new NodeEdges(options, {
      received: (text, over) => this.received(text, over),
      asked: (_, url) => this.asked(url),
    });
    for (const calendar of options.calendars) {
      const complain = (rule: string, detail: string) => listener.violation(rule, this, calendar, detail);
      this.watches.set(calendar, new CalendarWatch(histories?.(calendar) ?? null, complain));
      this.progress.set(calendar, new Progress(lags, `${options.name} in ${calendar}`, () => this.awayAt));
    }
    this.client = createLiveClient({ edges: this.edges.edges() });
    this.listen();
    for (const calendar of options.calendars) this.client.show("farm", calendar, options.range);
  }

  get isLive(): boolean {
    return this.client.status() === "live";
  }

  get checks(): number {
    return [...this.watches.values()].reduce((sum, watch) => sum + watch.checks, 0);
  }

  /** Return what the client knows of a calendar. Only here does the farm read anything that a page does not see. */
  state(calendar: string): CalendarState | undefined {
    const { sync } = this.client as unknown as { readonly sync: Sync };
    return sync.runners.get(calendar)?.state;
  }

  shown(calendar: string): Item[] {
    return [...this.client.shownItems(calendar)];
  }

  acknowledged(calendar: string, revision: number, at: number): void {
    this.progress.get(calendar)?.acknowledged(revision, at);
  }

  /** Return how many acknowledged changes have not arrived yet. */
  awaits(calendar: string): number {
    return this.progress.get(calendar)?.awaits ?? 0;
  }

  cut(only: "all" | "sockets"): void {
    this.edges.cut(only);
  }

  tell(signal: PageSignal): void {
    this.edges.tell(signal);
  }

  /** Change the frames that arrive over the WebSocket from now on. */
  tamper(tamper: Tamper): void {
    this.edges.tamper = tamper;
  }

  /** Give the client a frame that no server sent. */
  inject(frame: object): void {
    this.edges.inject(JSON.stringify(frame));
  }

  private listen(): void {
    this.client.on("status", ({ status }) => this.statusChanged(status));
    this.client.on("fault", ({ detail }) => this.listener.complaint(this, detail));
    this.client.on("feedRefused", ({ calendar, error }) =>
      this.listener.complaint(this, `feed of ${calendar} refused: ${error.status} ${error.code}`),
    );
    this.client.on("changed", (event) => {
      this.listener.applied();
      const state = this.state(event.calendar);
      if (state) this.watches.get(event.calendar)?.changed(event, state);
      this.progress.get(event.calendar)?.came(revisionOf(event.state), clock());
    });
    this.client.on("calendarGone", ({ calendar }) => this.checkGone(calendar));
    this.client.onRepaint((dirty) => {
      for (const [calendar, ids] of dirty) this.check(calendar, ids);
      // Loading may also end without a change of the picture.
      for (const calendar of this.options.calendars) if (!dirty.has(calendar)) this.check(calendar, []);
    });
  }

  private check(calendar: string, dirty: Iterable<string> | "all"): void {
    const state = this.state(calendar);
    const watch = this.watches.get(calendar);
    if (!state || !watch) return;
    if (state.gone !== null) return this.checkGone(calendar);
    const ids = dirty === "all" ? this.shown(calendar).map(({ id }) => id) : dirty;
    watch.check(state, ids, (id) => this.client.shownItem({ calendar, id }));
    const progress = this.progress.get(calendar);
    if (state.cursor !== null) progress?.came(revisionOf(state.cursor), clock());
    if (state.cursor !== null && !state.resetting && !this.client.isLoading(calendar)) progress?.settled(clock());
  }

  private checkGone(calendar: string): void {
    this.watches.get(calendar)?.gone(this.shown(calendar).length);
    this.progress.get(calendar)?.gone(clock());
  }

  private statusChanged(status: string): void {
    const now = clock();
    if (status === "live") {
      this.awayAt = now;
      if (this.everLive && this.leftAt !== null) this.listener.back(this, now - this.leftAt);
      this.everLive = true;
      this.leftAt = null;
    } else if (this.leftAt === null && this.everLive) {
      this.leftAt = now;
      this.awayAt = Number.POSITIVE_INFINITY;
      this.listener.left(this);
    }
  }

  private asked(url: string): void {
    const found = /calendars\/([^/]+)\/feed\//.exec(url);
    if (found?.[1] === undefined) return;
    this.feeds.push(clock());
    this.listener.feedAsked(this, found[1]);
  }

  private received(text: string, over: "socket" | "requests"): void {
    this.over = over;
    this.frames.push({ at: Math.round(clock()), over, text: text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text });
    if (this.frames.length > FRAMES_AT_MOST) this.frames.shift();
    const frame = JSON.parse(text) as {
      type: string;
      calendar?: string;
      reason?: "pruned" | "diverged" | "bulk" | "rights";
    };
    this.listener.received(frame.type, frame.reason ?? "", over);
    if (frame.type !== "reset" || frame.calendar === undefined || frame.reason === undefined) return;
    this.watches.get(frame.calendar)?.resetReceived(frame.reason);
    this.progress.get(frame.calendar)?.reset(clock());
  }
}

/** Return the items in an answer of the site; null if it is not a feed. */
export function readFeed(value: unknown): readonly Item[] | null {
  const items = Array.isArray(value) ? value.map(readItem) : [null];
  return items.every((item) => item !== null) ? items : null;
}
