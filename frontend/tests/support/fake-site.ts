/**
 * Provides a site for tests of the client: one scripted socket, requests that wait for their answers, and time that
 * moves by hand.
 */
import type { Edges, PageSignal, TimerId } from "../../src/client/edges";
import { createLiveClient, type LiveClient, type LiveClientOptions } from "../../src/client/live-client";
import type { ServerFrame } from "../../src/protocol/frames";
import type { Item } from "../../src/protocol/item";
import type { State } from "../../src/protocol/state";
import type { LinkHandlers } from "../../src/transport/transport";
import { CALENDAR } from "./items";

export interface SentRequest {
  readonly url: string;
  readonly init: RequestInit;
  readonly headers: Readonly<Record<string, string>>;
  respond(status: number, body: unknown, headers?: Record<string, string>): Promise<void>;
  fail(): Promise<void>;
}

interface FakeTimer {
  readonly at: number;
  readonly run: () => void;
}

export class FakeSite {
  readonly client: LiveClient;
  readonly requests: SentRequest[] = [];
  /** The turns of the long-poll, apart from all other requests. */
  readonly polls: SentRequest[] = [];
  /** The frames that the client sent, over all sockets. */
  readonly sent: Record<string, unknown>[] = [];
  sockets = 0;
  hidden = false;
  private handlers: LinkHandlers | null = null;
  private now = 0;
  private uuids = 0;
  private readonly timers = new Map<number, FakeTimer>();
  private timerIds = 0;
  private repaints: (() => void)[] = [];
  private signal: (signal: PageSignal) => void = () => {};

  constructor(options: Omit<LiveClientOptions, "edges"> = {}) {
    this.client = createLiveClient({ ...options, edges: this.edges() });
  }

  private edges(): Edges {
    return {
      transport: { open: (handlers) => this.open(handlers) },
      fetch: (url, init) => this.fetch(url, init),
      now: () => this.now,
      random: () => 0.5,
      uuid: () => `00000000-0000-4000-8000-${String(++this.uuids).padStart(12, "0")}`,
      setTimer: (run, ms) => this.setTimer(run, ms),
      clearTimer: (id) => void this.timers.delete(id as unknown as number),
      nextRepaint: (run) => void this.repaints.push(run),
      onPageSignal: (listener) => {
        this.signal = listener;
        return () => {};
      },
      isHidden: () => this.hidden,
      cookies: () => "theme=dark; csrftoken=c-token",
    };
  }

  // The socket.

  private open(handlers: LinkHandlers) {
    this.sockets += 1;
    this.handlers = handlers;
    return {
      send: (text: string) => {
        if (this.handlers === handlers) this.sent.push(JSON.parse(text) as Record<string, unknown>);
      },
      close: () => {
        if (this.handlers === handlers) this.handlers = null;
      },
    };
  }

  get isConnected(): boolean {
    return this.handlers !== null;
  }

  push(frame: ServerFrame | Record<string, unknown>): void {
    this.handlers?.received(JSON.stringify(frame));
  }

  hello(): void {
    this.push({ type: "hello", protocol: 2, heartbeatSeconds: 25 });
  }

  drop(code = 1006): void {
    const { handlers } = this;
    this.handlers = null;
    handlers?.closed(code);
  }

  /** Answer the last subscribe of a calendar. */
  subscribed(at: State, calendar = CALENDAR): void {
    const asked = this.sent.filter((frame) => frame.type === "subscribe" && frame.calendar === calendar).at(-1);
    this.push({ type: "subscribed", id: asked?.id, calendar, state: at, access: "full.1" });
  }

  change(
    oldState: State,
    newState: State,
    upserted: readonly Item[],
    destroyed: readonly string[] = [],
    calendar = CALENDAR,
  ): void {
    const actor = { id: "1", name: "Ana" };
    this.push({
      type: "changes",
      calendar,
      oldState,
      newState,
      more: false,
      upserted,
      destroyed,
      actor,
      mutationId: null,
    });
  }

  // HTTP.

  private fetch(url: string, init: RequestInit): Promise<Response> {
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener("abort", () => reject(new Error("aborted")));
      const list = url.endsWith("/frames/") ? this.polls : this.requests;
      list.push({
        url,
        init,
        headers: init.headers as Record<string, string>,
        respond: (status, body, headers = {}) => {
          const empty = status === 304 || status === 204;
          resolve(new Response(empty ? null : JSON.stringify(body), { status, headers }));
          return settle();
        },
        fail: () => {
          reject(new TypeError("no network"));
          return settle();
        },
      });
    });
  }

  /** Answer the feed that was asked for last. */
  feed(at: State, rows: readonly Item[], request = this.lastRequest): Promise<void> {
    return request.respond(200, rows, { "Calendar-State": at, "Calendar-Access": "full.1", ETag: `"${at}/full.1"` });
  }

  get lastPoll(): { readonly wait: number; readonly known: unknown; readonly frames: Record<string, unknown>[] } {
    return JSON.parse(String(this.polls.at(-1)?.init.body));
  }

  /** Answer the turn of the long-poll that was asked for last. */
  async answerPoll(frames: readonly object[], known: object = {}): Promise<void> {
    await this.polls.at(-1)?.respond(200, { known, frames });
    await settle();
  }

  get lastRequest(): SentRequest {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error("nothing was asked");
    return last;
  }

  // Time.

  private setTimer(run: () => void, ms: number): TimerId {
    this.timerIds += 1;
    this.timers.set(this.timerIds, { at: this.now + ms, run });
    return this.timerIds as unknown as TimerId;
  }

  /** Let time pass; timers fire in order. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers.delete(due[0]);
      this.now = Math.max(this.now, due[1].at);
      due[1].run();
      await settle();
    }
    this.now = end;
  }

  /** Sleep: time passes, and no timer runs. */
  sleep(ms: number): void {
    this.now += ms;
  }

  repaint(): void {
    const repaints = this.repaints;
    this.repaints = [];
    for (const run of repaints) run();
  }

  page(signal: PageSignal): void {
    this.signal(signal);
  }

  /** Put another tab in front of the page, or take it away. */
  setHidden(hidden: boolean): void {
    this.hidden = hidden;
    this.page(hidden ? "hide" : "doubt");
  }
}

/** Let pending promises run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
}
