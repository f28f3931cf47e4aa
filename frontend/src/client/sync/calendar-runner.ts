/** Runs the effects that the core asks for in one calendar: frames, feeds, timers and events. */
import type { CalendarState, ChangeSet, Effect, GoneReason, Input, TimerName } from "../../core/model";
import { newCalendar } from "../../core/model";
import { isLoading } from "../../core/picture";
import { reduce } from "../../core/reduce";
import type { ClientFrame } from "../../protocol/frames";
import type { Item, Unreadable } from "../../protocol/item";
import { askFeed } from "../api/feed";
import type { ApiError, Call } from "../api/http";
import type { Edges } from "../edges";
import { Timers } from "./timers";

/** What a calendar's runner reports. */
export interface CalendarListener {
  send(frame: ClientFrame): void;
  /** The picture of these items may have changed, by this change set if one is given. */
  pictureChanged(calendar: string, ids: readonly string[], change: ChangeSet | null): void;
  blank(calendar: string): void;
  changed(calendar: string, change: ChangeSet, before: readonly Item[]): void;
  loadingChanged(): void;
  gone(calendar: string, reason: GoneReason): void;
  feedRefused(calendar: string, error: ApiError): void;
  /** Items arrived that could not be read, so they are on no screen. */
  unreadable(calendar: string, items: readonly Unreadable[]): void;
  fault(detail: string): void;
}

/** How long a feed may go without an answer, so that no range waits for ever. */
const FEED_TIMEOUT_MS = 30_000;

export class CalendarRunner {
  /** Sends an edit. The writer of items sets it before its first edit; a page that only reads never does. */
  onMutate: (effect: Extract<Effect, { type: "mutate" }>) => void = () => {};
  private current: CalendarState;
  private readonly timers: Timers<TimerName>;
  private readonly feedTimers: Timers<`${number}`>;
  private readonly feeds = new Map<number, AbortController>();

  constructor(
    readonly calendar: string,
    lane: number,
    private readonly edges: Edges,
    private readonly call: Call,
    private readonly listener: CalendarListener,
  ) {
    this.current = newCalendar(calendar, lane);
    this.timers = new Timers(edges, (name) => this.take({ type: "timer", name }));
    this.feedTimers = new Timers(edges, (ask) => this.feeds.get(Number(ask))?.abort());
  }

  get state(): CalendarState {
    return this.current;
  }

  take(input: Input): void {
    const wasLoading = isLoading(this.current);
    const { state, effects } = reduce(this.current, input, this.edges.random());
    this.current = state;
    let change: ChangeSet | null = null;
    for (const effect of effects) {
      if (effect.type === "applied") change = effect.change;
      this.run(effect, change);
    }
    if (isLoading(this.current) !== wasLoading) this.listener.loadingChanged();
  }

  private run(effect: Effect, change: ChangeSet | null): void {
    switch (effect.type) {
      case "send":
        return this.listener.send(effect.frame);
      case "fetch":
        return void this.fetch(effect);
      case "mutate":
        return this.onMutate(effect);
      case "abort":
        return this.feeds.get(effect.ask)?.abort();
      case "startTimer":
        return this.timers.start(effect.name, effect.ms);
      case "stopTimer":
        return this.timers.stop(effect.name);
      case "notify":
        return this.listener.pictureChanged(this.calendar, effect.ids, change);
      case "blank":
        return this.listener.blank(this.calendar);
      case "applied":
        return this.listener.changed(this.calendar, effect.change, effect.before);
      case "gone":
        return this.listener.gone(this.calendar, effect.reason);
      default:
        return effect satisfies never;
    }
  }

  private async fetch({ ask, range, minRevision, etag }: Extract<Effect, { type: "fetch" }>): Promise<void> {
    const abort = new AbortController();
    this.feeds.set(ask, abort);
    this.feedTimers.start(`${ask}`, FEED_TIMEOUT_MS);
    const request = { calendar: this.calendar, range, minRevision, etag, signal: abort.signal };
    const outcome = await askFeed(this.call, request);
    this.feeds.delete(ask);
    this.feedTimers.stop(`${ask}`);
    if (outcome.ok) {
      this.listener.unreadable(this.calendar, outcome.unreadable);
      return this.take({ type: "feed", ask, answer: outcome.answer });
    }
    if (outcome.failure.kind === "refused") this.listener.feedRefused(this.calendar, outcome.error);
    if (outcome.error.code === "unreadable") this.listener.fault(`feed of ${this.calendar}: ${outcome.error.detail}`);
    this.take({ type: "feedFailed", ask, failure: outcome.failure });
  }
}
