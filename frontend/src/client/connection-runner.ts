/** Runs the connection's effects: one link, its timers, its frames. Decides nothing: that is core's. */
import {
  type ConnectionEffect,
  type ConnectionInput,
  type ConnectionState,
  type ConnectionTimer,
  NOT_CONNECTED,
  reduceConnection,
  type Status,
} from "../core/connection";
import type { ClientFrame, ServerFrame } from "../protocol/frames";
import { parseServerFrame } from "../protocol/guards";
import type { Link } from "../transport/transport";
import type { Edges } from "./edges";
import { Timers } from "./timers";

/** What a connection tells the client. */
export interface ConnectionListener {
  /** Open, and the server has said hello. */
  opened(): void;
  lost(): void;
  received(frame: ServerFrame): void;
  statusChanged(status: Status): void;
  fault(detail: string): void;
}

const PROTOCOL = 1;

export class ConnectionRunner {
  private state: ConnectionState = NOT_CONNECTED;
  private link: Link | null = null;
  private readonly timers: Timers<ConnectionTimer>;

  constructor(
    private readonly edges: Edges,
    private readonly listener: ConnectionListener,
  ) {
    this.timers = new Timers(edges, (name) => this.take({ type: "timer", name }));
  }

  get status(): Status {
    return this.state.status;
  }

  get isOpen(): boolean {
    return this.state.phase === "open";
  }

  send(frame: ClientFrame): void {
    this.link?.send(JSON.stringify(frame));
  }

  take(input: ConnectionInput): void {
    const before = this.state.status;
    const { state, effects } = reduceConnection(this.state, input, {
      now: this.edges.now(),
      random: this.edges.random(),
    });
    this.state = state;
    for (const effect of effects) this.run(effect);
    if (this.state.status !== before) this.listener.statusChanged(this.state.status);
  }

  private run(effect: ConnectionEffect): void {
    switch (effect.type) {
      case "connect":
        return this.connect();
      case "disconnect":
        return this.disconnect();
      case "ping":
        return this.send({ type: "ping" });
      case "startTimer":
        return this.timers.start(effect.name, effect.ms);
      case "stopTimer":
        return this.timers.stop(effect.name);
      case "opened":
        return this.listener.opened();
      case "lost":
        return this.listener.lost();
      default:
        return effect satisfies never;
    }
  }

  private connect(): void {
    this.disconnect();
    this.link = this.edges.transport.open({
      opened: () => {}, // the server speaks first: hello
      received: (text) => this.received(text),
      closed: (code) => {
        this.link = null;
        this.take({ type: "closed", code });
      },
    });
  }

  private disconnect(): void {
    this.link?.close();
    this.link = null;
  }

  private received(text: string): void {
    this.take({ type: "heard" });
    const parsed = parseServerFrame(text);
    if (!parsed.ok) return this.listener.fault(`frame: ${parsed.detail}`);
    const frame = parsed.value;
    if (frame.type === "hello") this.helloReceived(frame.protocol);
    else if (frame.type === "pong") this.take({ type: "pong" });
    else if (frame.type === "reconnect") this.take({ type: "reconnect", spreadMs: frame.spreadMs });
    else this.listener.received(frame);
  }

  private helloReceived(protocol: number): void {
    if (protocol === PROTOCOL) return this.take({ type: "hello" });
    this.listener.fault(`hello: protocol ${protocol} is not known to this page; reload it`);
    this.take({ type: "stop", status: "refused" });
  }
}
