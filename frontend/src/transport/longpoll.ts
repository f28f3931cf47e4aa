/** Carries frames over HTTP requests that wait, for networks that block WebSockets. */
import { isObject } from "../protocol/checks";
import type { ClientFrame, ServerFrame, SubscribeFrame } from "../protocol/frames";
import { readServerFrame } from "../protocol/guards";
import type { Link, LinkHandlers, Transport } from "./transport";

/**
 * What the transport needs from outside. `ask` posts a turn and returns its answer as JSON, or the status of its
 * failure (0: the API gave no answer).
 */
export interface PollEdges {
  ask(turn: Turn, signal: AbortSignal): Promise<{ readonly status: number; readonly json: unknown }>;
  now(): number;
  wait(run: () => void, ms: number): unknown;
}

export interface Turn {
  readonly wait: number;
  readonly known: unknown;
  readonly frames: readonly SubscribeFrame[];
}

/** The longest time that the server waits. */
const WAIT_SECONDS = 25;
/**
 * The pause for a server that cannot wait (WSGI) and answers at once with nothing new. It keeps the client from asking
 * in a tight loop.
 */
const PAUSE_MS = 2_000;
const AT_ONCE_MS = 1_000;
/** The least time between two requests. Where changes come thick and fast, an answer brings several of them. */
const SPACING_MS = 200;

/**
 * The close codes with the same meaning. Any other refusal is the client's fault, and anything else is a lost
 * connection.
 */
const CLOSE_CODES: ReadonlyMap<number, number> = new Map([
  [401, 4401],
  [403, 4403],
  [429, 4429],
]);
const REFUSED = 4400;
const LOST = 1006;

/**
 * Where a calendar stands. `answered`: its `subscribed` has arrived. Until then, the server is asked without waiting.
 */
interface Place {
  readonly frame: SubscribeFrame;
  readonly answered: boolean;
}

export function longPollTransport(edges: PollEdges): Transport {
  return {
    open: (handlers) => {
      const link = new LongPoll(edges, handlers);
      link.ask();
      return link;
    },
  };
}

class LongPoll implements Link {
  private readonly places = new Map<string, Place>();
  private known: unknown = null;
  private asksForPong = false;
  private closed = false;
  private breakOff: AbortController | null = null;
  private scheduled = false;

  constructor(
    private readonly edges: PollEdges,
    private readonly handlers: LinkHandlers,
  ) {}

  send(text: string): void {
    const frame = JSON.parse(text) as ClientFrame; // the client wrote it
    if (frame.type === "unsubscribe") this.places.delete(frame.calendar);
    else if (frame.type === "subscribe") this.places.set(frame.calendar, { frame, answered: false });
    else if (frame.type === "ping") this.asksForPong = true;
    if (frame.type === "subscribe" || frame.type === "ping") this.askSoon();
  }

  close(): void {
    this.closed = true;
    this.breakOff?.abort();
  }

  // All frames that are sent in one go travel in one request.
  private askSoon(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.ask();
    });
  }

  /** Ask now, and give up the request that is waiting. */
  ask(): void {
    this.breakOff?.abort();
    if (this.closed) return;
    const breakOff = new AbortController();
    this.breakOff = breakOff;
    const asked = [...this.places.values()];
    const urgent = this.known === null || this.asksForPong || asked.some(({ answered }) => !answered);
    const turn = { wait: urgent ? 0 : WAIT_SECONDS, known: this.known, frames: asked.map(({ frame }) => frame) };
    this.asksForPong = false;
    const at = this.edges.now();
    void this.edges.ask(turn, breakOff.signal).then(({ status, json }) => {
      if (this.breakOff === breakOff && !this.closed) this.answered(status, json, turn, this.edges.now() - at);
    });
  }

  private answered(status: number, json: unknown, turn: Turn, tookMs: number): void {
    const { known, frames } = isObject(json) ? json : {};
    if (status !== 200 || !isObject(known) || !Array.isArray(frames)) {
      return this.end(closeCode(status));
    }
    const isFirst = this.known === null;
    this.known = known;
    if (isFirst) this.handlers.opened();
    const before = this.unanswered();
    const hadNews = frames.filter((frame) => this.take(frame)).length > 0;
    if (this.closed) return;
    this.handlers.received('{"type":"pong"}'); // an answer is a sign of life, even if it says nothing else
    if (this.closed || this.scheduled) return;
    // the next request would get no answer to it either
    if (before > 0 && this.unanswered() === before) return this.end(LOST);
    const couldNotWait = turn.wait > 0 && !hadNews && tookMs < AT_ONCE_MS;
    this.askIn(couldNotWait ? PAUSE_MS : SPACING_MS - tookMs);
  }

  // Ask after a time, unless another request is made before.
  private askIn(ms: number): void {
    const { breakOff } = this;
    if (ms <= 0) this.ask();
    else this.edges.wait(() => this.breakOff === breakOff && this.ask(), ms);
  }

  private unanswered(): number {
    return [...this.places.values()].filter(({ answered }) => !answered).length;
  }

  /** Hand on a frame, and note what it says about where a calendar stands. Return whether it is news. */
  private take(value: unknown): boolean {
    if (this.closed) return false;
    const read = readServerFrame(value);
    // A frame that this client cannot read does not count as news, because the server may send it each time.
    const isNews = read.ok && this.note(read.value);
    this.handlers.received(JSON.stringify(read.ok && !isNews ? asHead(read.value) : value));
    return isNews;
  }

  private note(frame: ServerFrame): boolean {
    switch (frame.type) {
      case "subscribed": {
        const place = this.places.get(frame.calendar);
        if (place?.frame.id !== frame.id) return true;
        const { state, access } = frame;
        this.places.set(frame.calendar, { frame: { ...place.frame, state, access }, answered: true });
        return !place.answered;
      }
      case "changes": {
        const place = this.places.get(frame.calendar);
        if (place?.frame.state !== frame.oldState || frame.more) return true; // the client asks for a gap itself
        this.places.set(frame.calendar, { ...place, frame: { ...place.frame, state: frame.newState } });
        return true;
      }
      case "reset":
      case "rights":
        this.places.delete(frame.calendar); // silent until it is subscribed to again
        return true;
      case "error":
        for (const [calendar, place] of this.places) if (place.frame.id === frame.id) this.places.delete(calendar);
        return true;
      default:
        return true;
    }
  }

  private end(code: number): void {
    this.closed = true;
    this.handlers.closed(code);
  }
}

/**
 * Return `subscribed` as a `head`: about a calendar that is live already, an answer says what a heartbeat says on a
 * socket.
 */
function asHead(frame: ServerFrame): ServerFrame {
  return frame.type === "subscribed" ? { type: "head", states: { [frame.calendar]: frame.state } } : frame;
}

function closeCode(status: number): number {
  return CLOSE_CODES.get(status) ?? (status >= 400 && status < 500 ? REFUSED : LOST);
}
