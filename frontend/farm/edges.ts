/** Gives one client in Node an outside world of its own: connections, cookies and headers. */
import net from "node:net";
import type { Edges, PageSignal } from "../src/client/edges";
import type { Link, LinkHandlers, Transport } from "../src/transport/transport";
import { webSocketTransport } from "../src/transport/websocket";
import { clock } from "./clock";

/**
 * `socket`: as in a browser, with its ordinary fallback. `requests`: WebSockets never open. `mixed`: half of them do
 * not open.
 */
export type Way = "socket" | "requests" | "mixed";

export interface Place {
  /** The site's origin, such as `http://127.0.0.1:8000`. */
  readonly site: string;
  readonly cookies: string;
  readonly way: Way;
}

export interface EdgesListener {
  /** Called when a frame arrives, over a WebSocket or in the answer to a request that waited. */
  received(text: string, over: "socket" | "requests"): void;
  asked(method: string, url: string): void;
}

/** The part of undici's Agent that is used here. Node contains undici and does not export it. */
interface Agent {
  readonly close: () => Promise<void>;
}
type Connect = (
  where: { hostname: string; port: string },
  done: (error: Error | null, socket: net.Socket | null) => void,
) => net.Socket;
type AgentClass = new (options: { connect: Connect; keepAliveTimeout?: number }) => Agent;

/** How long a server may take to answer a close. After that, a browser ends the socket; undici would wait for ever. */
const CLOSE_TIMEOUT_MS = 1_000;
const REFUSED = 1006;

const { Agent, NativeWebSocket } = nativeParts();

function nativeParts(): { Agent: AgentClass; NativeWebSocket: typeof WebSocket } {
  new Request("http://loads.undici/");
  const dispatcher = (globalThis as Record<symbol, unknown>)[Symbol.for("undici.globalDispatcher.1")];
  if (!dispatcher || !globalThis.WebSocket) throw new Error("start it with node --experimental-websocket");
  return { Agent: (dispatcher as Agent).constructor as AgentClass, NativeWebSocket: globalThis.WebSocket };
}

/** Connections that can be cut. */
class Connections {
  readonly agent: Agent;
  private readonly sockets = new Set<net.Socket>();

  constructor() {
    this.agent = new Agent({ connect: (where, done) => this.connect(where, done) });
  }

  private connect({ hostname, port }: { hostname: string; port: string }, done: Parameters<Connect>[1]): net.Socket {
    const socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
    socket.once("connect", () => done(null, socket));
    socket.once("error", (error) => done(error, null));
    return socket;
  }

  /** End all connections without closing them properly, as a network does. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }
}

// The page's own transport makes its WebSocket from these globals. They are set only while it does so.
let opening: { readonly headers: Record<string, string>; readonly dispatcher: Agent } | null = null;
const page = { href: "" };
Object.assign(globalThis, {
  location: page,
  WebSocket: class extends NativeWebSocket {
    constructor(url: string) {
      super(url, opening as unknown as string[]); // undici takes its options where the standard has the protocols
    }
  },
});

/** The edges of one client. Every connection that it opens can be cut. */
export class NodeEdges {
  private readonly requests = new Connections();
  private readonly sockets = new Set<Connections>();
  private signal: (signal: PageSignal) => void = () => {};
  /** Changes the frames that arrive over a WebSocket, for tests of the farm itself. */
  tamper: (text: string) => string = (text) => text;

  /** Takes a frame as if it had arrived over the open WebSocket. */
  inject: (text: string) => void = () => {};

  constructor(
    private readonly place: Place,
    private readonly listener: EdgesListener,
  ) {}

  edges(): Edges {
    const edges = {
      transport: this.transport(),
      fetch: (url: string, init: RequestInit) => this.fetch(url, init),
      now: clock,
      random: Math.random,
      uuid: () => crypto.randomUUID(),
      setTimer: (run: () => void, ms: number) => setTimeout(run, ms),
      clearTimer: (id: NodeJS.Timeout) => clearTimeout(id),
      // So the checks before each repaint run after each change.
      nextRepaint: (run: () => void) => queueMicrotask(run),
      onPageSignal: (listener: (signal: PageSignal) => void) => {
        this.signal = listener;
        return () => {};
      },
      cookies: () => this.place.cookies,
      isHidden: () => false,
    };
    return edges;
  }

  /** Send a signal, as a browser does: the page has woken up, goes away, or is back. */
  tell(signal: PageSignal): void {
    this.signal(signal);
  }

  /** Cut every connection, or only the WebSockets. */
  cut(only: "all" | "sockets"): void {
    if (only === "all") this.requests.cut();
    for (const socket of this.sockets) socket.cut();
  }

  private transport(): Transport {
    const native = webSocketTransport("/ws/");
    return { open: (handlers) => (this.refuses() ? refused(handlers) : this.open(native, handlers)) };
  }

  private refuses(): boolean {
    return this.place.way === "requests" || (this.place.way === "mixed" && Math.random() < 0.5);
  }

  private open(native: Transport, handlers: LinkHandlers): Link {
    const { site, cookies } = this.place;
    const connections = new Connections();
    this.sockets.add(connections);
    const end = () => {
      this.sockets.delete(connections);
      connections.cut();
    };
    page.href = `${site}/`;
    opening = { headers: { Cookie: cookies, Origin: site }, dispatcher: connections.agent };
    const received = (text: string) => {
      this.listener.received(text, "socket");
      handlers.received(text);
    };
    this.inject = received;
    const link = native.open({
      opened: () => handlers.opened(),
      received: (text) => received(this.tamper(text)),
      closed: (code) => {
        end();
        handlers.closed(code);
      },
    });
    opening = null;
    return {
      send: (text) => link.send(text),
      close: () => {
        link.close();
        setTimeout(end, CLOSE_TIMEOUT_MS).unref();
      },
    };
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    const { site, cookies } = this.place;
    this.listener.asked(init.method ?? "GET", url);
    const headers = { ...(init.headers as Record<string, string>), Cookie: cookies, Origin: site, Referer: `${site}/` };
    const options = { ...init, headers, dispatcher: this.requests.agent };
    const response = await fetch(site + url, options as RequestInit);
    if (!url.endsWith("/frames/") || response.status !== 200) return response;
    const text = await response.text();
    for (const frame of (JSON.parse(text) as { frames: unknown[] }).frames) {
      this.listener.received(JSON.stringify(frame), "requests");
    }
    return new Response(text, { status: response.status, headers: response.headers });
  }
}

function refused(handlers: LinkHandlers): Link {
  const timer = setTimeout(() => handlers.closed(REFUSED), 0);
  return { send: () => {}, close: () => clearTimeout(timer) };
}
