/** Runs the effects that the core asks for in the connection: links, timers and pings. */
import {
  type ConnectionEffect,
  type ConnectionInput,
  type ConnectionState,
  type ConnectionTimer,
  NOT_CONNECTED,
  reduceConnection,
  type Status,
  statusOf,
  type Way,
} from "../../core/connection";
import type { ClientFrame, ServerFrame } from "../../protocol/frames";
import { parseServerFrame } from "../../protocol/guards";
import type { Link, Transport } from "../../transport/transport";
import type { Edges } from "../edges";
import { Timers } from "./timers";

/** What a connection reports. */
export interface ConnectionListener {
  /** The connection is open, and the server has said hello. */
  opened(): void;
  lost(): void;
  received(frame: ServerFrame): void;
  /** The status, or the way in which frames travel, has changed. */
  statusChanged(status: Status, way: Way): void;
  fault(detail: string): void;
}

/**
 * The protocols that this page can read. While a site is updated, a page of this version may meet a server of the
 * version before.
 */
const PROTOCOLS: readonly number[] = [1, 2];

export class ConnectionRunner {
  private state: ConnectionState = NOT_CONNECTED;
  private link: Link | null = null;
  /** A socket that is tried while requests serve as the link. */
  private probe: Link | null = null;
  private readonly timers: Timers<ConnectionTimer>;

  constructor(
    private readonly edges: Edges,
    /** The transport that is used when WebSockets do not work. */
    private readonly requests: Transport,
    private readonly listener: ConnectionListener,
  ) {
    this.timers = new Timers(edges, (name) => this.take({ type: "timer", name }));
  }

  get status(): Status {
    return statusOf(this.state);
  }

  get way(): Way {
    return this.state.over;
  }

  get isOpen(): boolean {
    return this.state.phase === "open";
  }

  send(frame: ClientFrame): void {
    this.link?.send(JSON.stringify(frame));
  }

  take(input: ConnectionInput): void {
    const { status, way } = this;
    const { state, effects } = reduceConnection(this.state, input, {
      now: this.edges.now(),
      random: this.edges.random(),
      hidden: this.edges.isHidden(),
    });
    this.state = state;
    for (const effect of effects) this.run(effect);
    if (this.status !== status || this.way !== way) this.listener.statusChanged(this.status, this.way);
  }

  private run(effect: ConnectionEffect): void {
    switch (effect.type) {
      case "connect":
        return this.connect(effect.over === "socket" ? this.edges.transport : this.requests);
      case "disconnect":
        return this.disconnect();
      case "probe":
        return this.openProbe();
      case "endProbe":
        return this.endProbe();
      case "adoptProbe":
        return this.adoptProbe();
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

  private connect(transport: Transport): void {
    this.disconnect();
    this.link = transport.open({
      opened: () => {}, // the server speaks first, with its hello
      received: (text) => this.received(text),
      closed: (code) => this.closed(code),
    });
  }

  private closed(code: number): void {
    this.link = null;
    this.take({ type: "closed", code });
  }

  private disconnect(): void {
    this.endProbe();
    this.link?.close();
    this.link = null;
  }

  // With its first frame, the hello, the probe becomes the link.
  private openProbe(): void {
    const probe: Link = this.edges.transport.open({
      opened: () => {},
      received: (text) => {
        if (this.probe === probe) this.take({ type: "probeAnswered" });
        if (this.link === probe) this.received(text);
      },
      closed: (code) => {
        if (this.link === probe) return this.closed(code);
        if (this.probe === probe) this.take({ type: "probeFailed" });
      },
    });
    this.probe = probe;
  }

  private endProbe(): void {
    this.probe?.close();
    this.probe = null;
  }

  private adoptProbe(): void {
    this.link?.close();
    this.link = this.probe;
    this.probe = null;
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
    if (PROTOCOLS.includes(protocol)) return this.take({ type: "hello" });
    this.listener.fault(`hello: protocol ${protocol} is not known to this page; reload it`);
    this.take({ type: "stop", status: "refused" });
  }
}
