/** Runs all calendars of a page over one connection, and passes each frame to its calendar. */
import type { Status, Way } from "../../core/connection";
import type { CalendarInfo, ErrorFrame, HeadFrame, ServerFrame } from "../../protocol/frames";
import type { State } from "../../protocol/state";
import { longPollTransport } from "../../transport/longpoll";
import { type Call, pollEdges } from "../api/http";
import type { Edges, PageSignal } from "../edges";
import { type CalendarListener, CalendarRunner } from "./calendar-runner";
import { ConnectionRunner } from "./connection-runner";

/** What the calendars and the connection report. */
export interface SyncListener extends Omit<CalendarListener, "send"> {
  statusChanged(status: Status, way: Way): void;
  calendarReceived(info: CalendarInfo): void;
}

/** A page that shows a calendar again within this time needs no new socket. */
const LINGER_MS = 10_000;

export class Sync {
  readonly runners = new Map<string, CalendarRunner>();
  private readonly connection: ConnectionRunner;
  private readonly stopListening: () => void;
  private listens = false;

  constructor(
    private readonly edges: Edges,
    private readonly call: Call,
    private readonly listener: SyncListener,
  ) {
    this.connection = new ConnectionRunner(edges, longPollTransport(pollEdges(edges, call)), {
      opened: () => this.each((runner) => runner.take({ type: "opened" })),
      lost: () => this.each((runner) => runner.take({ type: "closed" })),
      received: (frame) => this.received(frame),
      statusChanged: (status, way) => listener.statusChanged(status, way),
      fault: (detail) => listener.fault(detail),
    });
    this.stopListening = edges.onPageSignal((signal) => this.signalled(signal));
  }

  get status(): Status {
    return this.connection.status;
  }

  get way(): Way {
    return this.connection.way;
  }

  /** Open the socket and keep it open, even while no calendar is shown. */
  listen(): void {
    this.listens = true;
    this.connection.take({ type: "start" });
  }

  /** Return a calendar's runner. The first calendar that is shown opens the socket. */
  start(calendar: string): CalendarRunner {
    const runner = this.runners.get(calendar) ?? this.add(calendar);
    if (runner.state.shown.size > 0) return runner;
    this.connection.take({ type: "start" });
    runner.take({ type: this.connection.isOpen ? "opened" : "closed" });
    return runner;
  }

  /** Close the socket when nothing has been shown for a while. */
  leaveSoon(): void {
    this.edges.setTimer(() => {
      if (this.isIdle()) this.connection.take({ type: "stop", status: "idle" });
    }, LINGER_MS);
  }

  /** Take note of a request that was answered with 401. */
  signedOut(): void {
    this.connection.take({ type: "signedOut" });
  }

  /** End everything: the socket, the timers, the requests. */
  close(): void {
    this.stopListening();
    this.connection.take({ type: "stop", status: "closed" });
    this.each((runner) => {
      const viewers = [...runner.state.shown.values()].flatMap((shown) => [...shown.viewers]);
      for (const viewer of viewers) runner.take({ type: "hide", viewer });
    });
  }

  private add(calendar: string): CalendarRunner {
    const lane = this.runners.size;
    const listener = { ...this.listener, send: this.connection.send.bind(this.connection) };
    const runner = new CalendarRunner(calendar, lane, this.edges, this.call, listener);
    this.runners.set(calendar, runner);
    return runner;
  }

  private each(act: (runner: CalendarRunner) => void): void {
    for (const runner of this.runners.values()) act(runner);
  }

  private received(frame: ServerFrame): void {
    switch (frame.type) {
      case "subscribed":
        return this.runners.get(frame.calendar)?.take({ type: "subscribed", frame });
      case "changes":
        this.listener.unreadable(frame.calendar, frame.unreadable ?? []);
        return this.runners.get(frame.calendar)?.take({ type: "changes", frame });
      case "reset":
        return this.runners.get(frame.calendar)?.take({ type: "reset", frame });
      case "rights":
        return this.runners.get(frame.calendar)?.take({ type: "withdrawn" });
      case "error":
        return this.errorReceived(frame);
      case "head":
        return this.headReceived(frame);
      case "calendar":
        this.runners.get(frame.calendar.id)?.take({ type: "granted" });
        return this.listener.calendarReceived(frame.calendar);
      default:
        return;
    }
  }

  private errorReceived(frame: ErrorFrame): void {
    if (frame.id === null) this.listener.fault(`the server could not read a frame: ${frame.detail ?? frame.code}`);
    else this.each((runner) => runner.take({ type: "error", frame }));
  }

  private headReceived({ states: heads }: HeadFrame): void {
    const states: Record<string, State> = {};
    for (const calendar in heads) {
      const cursor = this.runners.get(calendar)?.state.cursor;
      if (cursor) states[calendar] = cursor;
    }
    this.connection.send({ type: "ack", states });
    for (const [calendar, state] of Object.entries(heads)) this.runners.get(calendar)?.take({ type: "head", state });
  }

  private signalled(signal: PageSignal): void {
    if (signal === "pause" || signal === "hide") this.connection.take({ type: signal });
    else if (!this.isIdle()) this.connection.take({ type: signal });
  }

  private isIdle(): boolean {
    return !this.listens && [...this.runners.values()].every((runner) => runner.state.shown.size === 0);
  }
}
