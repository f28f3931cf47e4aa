/** Decides about the connection (C11): when to connect, when a silent socket is dead, and what the page is told. */
import { type Backoff, fullJitterMs, RECONNECT } from "./backoff";

/**
 * How the connection stands.
 *
 * - `connecting`: the first try, or the first try after a loss.
 * - `offline`: the client tries again, with backoff.
 * - `paused`: the page is in the back/forward cache, or nobody sees it and only requests would serve.
 * - `signed-out`: the page's user must be let in again. The client tries again when somebody opens the page.
 * - `forbidden`, `refused` (malformed) and `too-many`: the server told the client to stop.
 */
export type Status =
  | "idle"
  | "connecting"
  | "live"
  | "offline"
  | "paused"
  | "signed-out"
  | "forbidden"
  | "refused"
  | "too-many"
  | "closed";

/** A connection that neither opens nor says hello in this time is dead. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** C11: a socket that sends no pong within 3 s is dead. */
export const PONG_TIMEOUT_MS = 3_000;
/** C11: two missed heartbeats, and some margin. */
export const SILENCE_MS = 60_000;
/** A connection that lasts this long ends the series of failures. */
const STEADY_MS = 10_000;

/**
 * The longest wait until a client that is told it is signed out asks once more. Its session may have been renewed, and
 * the new cookie may still be on its way.
 */
const RECHECK_MS = 800;

/** How frames travel. */
export type Way = "socket" | "requests";

/**
 * When the client gives up WebSockets for requests: after two sockets that never said hello, or after four that said
 * hello and did not last. From then on, one more such socket is enough. While neither way opens, the client tries both
 * in turn and takes the first that says hello.
 */
const TROUBLE_AT_MOST = 4;
const NO_HELLO = 2;
const NOT_LASTING = 1;
const ALMOST = TROUBLE_AT_MOST - NOT_LASTING;
/**
 * While the client uses requests, it tries a WebSocket beside them: soon at first, because the server may only have
 * restarted, and later about once a minute.
 */
export const PROBE: Backoff = { baseMs: 4_000, capMs: 60_000 };

const SIGNED_OUT = 4401;
/**
 * The close codes after which another connection would only be refused again: 4401 signed out, 4403 forbidden, 4400
 * malformed, 4429 too many.
 */
const FINAL: ReadonlyMap<number, Status> = new Map([
  [4400, "refused"],
  [SIGNED_OUT, "signed-out"],
  [4403, "forbidden"],
  [4429, "too-many"],
]);

export interface ConnectionState {
  readonly status: Status;
  /** `open`: the connection is open, and the server has said hello. */
  readonly phase: "down" | "opening" | "open";
  /** Failures in a row. */
  readonly failures: number;
  readonly openedAt: number;
  readonly heardAt: number;
  /** How frames travel on this connection or, while there is none, on the next one. */
  readonly over: Way;
  /** How unreliable sockets have been (see `TROUBLE_AT_MOST`). It is 0 again after one has lasted. */
  readonly trouble: number;
  /** How many sockets have been tried beside the requests since one lasted. */
  readonly probes: number;
  /** Whether a socket is being tried beside the requests. */
  readonly probing: boolean;
  /**
   * The server has said that nobody is signed in. The client believes it the next time, unless a connection lasts in
   * between.
   */
  readonly rechecked: boolean;
  /** The page counts as signed out until the next hello, whatever the client tries in the meantime. */
  readonly isOut: boolean;
}

export type ConnectionTimer = "reconnect" | "connect" | "pong" | "silence" | "leave" | "probe";

export type ConnectionInput =
  | { readonly type: "start" }
  | { readonly type: "stop"; readonly status: "closed" | "refused" | "idle" }
  /** A request was answered with "signed out". */
  | { readonly type: "signedOut" }
  | { readonly type: "hello" }
  | { readonly type: "heard" }
  | { readonly type: "pong" }
  | { readonly type: "closed"; readonly code: number }
  /** The socket tried beside the requests has received a frame, or has ended without one. */
  | { readonly type: "probeAnswered" }
  | { readonly type: "probeFailed" }
  | { readonly type: "reconnect"; readonly spreadMs: number }
  /**
   * The page woke up, came to the front, or its network came or went: the socket may claim to be open although it is
   * dead.
   */
  | { readonly type: "doubt" }
  /** Nobody sees the page any more. */
  | { readonly type: "hide" }
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  | { readonly type: "timer"; readonly name: ConnectionTimer };

export type ConnectionEffect =
  | { readonly type: "connect"; readonly over: Way }
  /** Drop the connection, and the socket tried beside it. */
  | { readonly type: "disconnect" }
  | { readonly type: "probe" }
  | { readonly type: "endProbe" }
  /** Put the socket tried beside the connection in the connection's place. */
  | { readonly type: "adoptProbe" }
  | { readonly type: "ping" }
  | { readonly type: "startTimer"; readonly name: ConnectionTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly name: ConnectionTimer }
  | { readonly type: "opened" }
  | { readonly type: "lost" };

export interface ConnectionStep {
  readonly state: ConnectionState;
  readonly effects: readonly ConnectionEffect[];
}

export const NOT_CONNECTED: ConnectionState = {
  status: "idle",
  phase: "down",
  failures: 0,
  openedAt: 0,
  heardAt: 0,
  over: "socket",
  trouble: 0,
  probes: 0,
  probing: false,
  rechecked: false,
  isOut: false,
};

const TIMERS: readonly ConnectionTimer[] = ["reconnect", "connect", "pong", "silence", "leave", "probe"];

/**
 * What a decision needs from outside: milliseconds since any fixed point, a number in [0, 1), and whether nobody sees
 * the page.
 */
export interface Moment {
  readonly now: number;
  readonly random: number;
  readonly hidden: boolean;
}

export function reduceConnection(state: ConnectionState, input: ConnectionInput, moment: Moment): ConnectionStep {
  return restUnseen(decide(state, input, moment), moment.hidden);
}

/**
 * Take down a connection by requests while nobody sees the page. A browser opens six HTTP/1.1 connections to a site for
 * all its tabs together, and six waiting requests would hold up every other request of any of them. The page connects
 * again as soon as somebody sees it.
 */
function restUnseen({ state, effects }: ConnectionStep, hidden: boolean): ConnectionStep {
  const asks = state.phase !== "down" || isWaiting(state);
  if (!hidden || state.over === "socket" || !asks) return { state, effects };
  const { state: resting, effects: down } = takeDown(state, "paused");
  return { state: resting, effects: [...effects.filter(({ type }) => type !== "connect"), ...down] };
}

function decide(state: ConnectionState, input: ConnectionInput, { now, random }: Moment): ConnectionStep {
  switch (input.type) {
    case "start":
    case "resume":
      return isStopped(state) || state.status === "idle" || state.status === "paused"
        ? connect(state, "connecting")
        : stay(state);
    case "hide":
      return stay(state); // `restUnseen` acts on it
    case "stop":
      return input.status === "idle" && isStopped(state) ? stay(state) : takeDown(state, input.status);
    case "pause":
      return isStopped(state) ? stay(state) : takeDown(state, "paused");
    case "signedOut":
      return doubtSession(state, now, random);
    case "hello":
      return hello(state, now, random);
    case "probeAnswered":
      return probeAnswered(state);
    case "probeFailed":
      return probeFailed(state, random);
    case "heard":
      return stay({ ...state, heardAt: now });
    case "pong":
      return stay({ ...state, heardAt: now }, { type: "stopTimer", name: "pong" });
    case "closed":
      return closed(state, input.code, now, random);
    case "reconnect":
      if (state.over === "requests") return stay(state); // the next request can go to another process by itself
      return stay(state, { type: "startTimer", name: "leave", ms: Math.floor(random * input.spreadMs) });
    case "doubt":
      return doubt(state, now, random);
    case "timer":
      return timerFired(state, input.name, now, random);
    default:
      return input satisfies never;
  }
}

function stay(state: ConnectionState, ...effects: readonly ConnectionEffect[]): ConnectionStep {
  return { state, effects };
}

/**
 * Return the status that the page is told. A page that is signed out is not told of the client's further tries to
 * connect.
 */
export function statusOf({ isOut, status }: ConnectionState): Status {
  return isOut && (status === "connecting" || status === "offline" || status === "paused") ? "signed-out" : status;
}

/** Tell whether the server (or the page) has ended the connection. */
export function isStopped(state: ConnectionState): boolean {
  return ["signed-out", "forbidden", "refused", "too-many", "closed"].includes(state.status);
}

function connect(state: ConnectionState, status: Status): ConnectionStep {
  return stay(
    { ...state, status, phase: "opening" },
    { type: "stopTimer", name: "reconnect" },
    { type: "connect", over: state.over },
    { type: "startTimer", name: "connect", ms: CONNECT_TIMEOUT_MS },
  );
}

function hello(state: ConnectionState, now: number, random: number): ConnectionStep {
  const live: ConnectionState = {
    ...state,
    status: "live",
    phase: "open",
    openedAt: now,
    heardAt: now,
    isOut: false,
  };
  const probe = state.over === "requests" ? [probeLater(state.probes, random)] : [];
  return stay(
    live,
    { type: "stopTimer", name: "connect" },
    { type: "startTimer", name: "silence", ms: SILENCE_MS },
    ...probe,
    { type: "opened" },
  );
}

function probeLater(probes: number, random: number): ConnectionEffect {
  return { type: "startTimer", name: "probe", ms: fullJitterMs(PROBE, probes, random) };
}

function probe(state: ConnectionState): ConnectionStep {
  if (state.over === "socket" || state.phase !== "open" || state.probing) return stay(state);
  return stay(
    { ...state, probing: true },
    { type: "probe" },
    { type: "startTimer", name: "probe", ms: CONNECT_TIMEOUT_MS },
  );
}

function probeFailed(state: ConnectionState, random: number): ConnectionStep {
  if (!state.probing) return stay(state);
  const probes = state.probes + 1;
  return stay({ ...state, probing: false, probes }, { type: "endProbe" }, probeLater(probes, random));
}

// The hello, which is the first frame of every connection, follows.
function probeAnswered(state: ConnectionState): ConnectionStep {
  if (!state.probing) return stay(state);
  return stay(
    { ...state, over: "socket", phase: "opening", probing: false, trouble: ALMOST, probes: state.probes + 1 },
    { type: "adoptProbe" },
    ...stopTimers(),
    { type: "lost" },
    { type: "startTimer", name: "connect", ms: CONNECT_TIMEOUT_MS },
  );
}

function takeDown(state: ConnectionState, status: Status): ConnectionStep {
  const lost: readonly ConnectionEffect[] = state.phase === "down" ? [] : [{ type: "disconnect" }, { type: "lost" }];
  return stay({ ...state, status, phase: "down", failures: 0, probing: false }, ...stopTimers(), ...lost);
}

function stopTimers(): ConnectionEffect[] {
  return TIMERS.map((name) => ({ type: "stopTimer", name }));
}

function closed(state: ConnectionState, code: number, now: number, random: number): ConnectionStep {
  if (state.phase === "down") return stay(state);
  if (code === SIGNED_OUT && mayBeRenewed(state, now)) return recheck(state, random);
  const final = FINAL.get(code);
  if (final === undefined) return tryAgain(state, now, random);
  const isOut = final === "signed-out";
  const ended: ConnectionState = { ...state, status: final, phase: "down", probing: false, isOut };
  return stay(ended, ...stopTimers(), { type: "disconnect" }, { type: "lost" });
}

// A request may have carried an older cookie than the connection did. Only what a connection is told is final.
function doubtSession(state: ConnectionState, now: number, random: number): ConnectionStep {
  if (mayBeRenewed(state, now)) return recheck(state, random);
  if (state.phase !== "down" || isWaiting(state) || isStopped(state)) return stay(state);
  const { state: down, effects } = takeDown(state, "signed-out");
  return stay({ ...down, isOut: true }, ...effects);
}

/** Tell whether the session may have been renewed since the server let it in. */
function mayBeRenewed(state: ConnectionState, now: number): boolean {
  return state.phase === "open" && (!state.rechecked || isSteady(state, now));
}

function recheck(state: ConnectionState, random: number): ConnectionStep {
  const { state: down, effects } = takeDown(state, "connecting");
  const ms = RECHECK_MS / 2 + Math.floor((random * RECHECK_MS) / 2);
  return stay({ ...down, rechecked: true }, ...effects, { type: "startTimer", name: "reconnect", ms });
}

function isSteady(state: ConnectionState, now: number): boolean {
  return now - state.openedAt >= STEADY_MS;
}

function tryAgain(state: ConnectionState, now: number, random: number): ConnectionStep {
  const steady = state.phase === "open" && isSteady(state, now);
  const failures = steady ? 0 : state.failures;
  const status = state.phase === "open" ? "connecting" : "offline";
  const way = wayAfter(state, steady);
  const turnsToRequests = state.over === "socket" && way.over === "requests"; // then the client asks at once
  return stay(
    { ...state, ...way, status, phase: "down", failures: failures + 1, probing: false },
    ...stopTimers(),
    { type: "disconnect" },
    { type: "lost" },
    { type: "startTimer", name: "reconnect", ms: turnsToRequests ? 0 : fullJitterMs(RECONNECT, failures, random) },
  );
}

/** Return how to connect after a loss. */
function wayAfter(state: ConnectionState, steady: boolean): Pick<ConnectionState, "over" | "trouble" | "probes"> {
  const { over, trouble, probes } = state;
  if (over === "requests") return { over: steady ? over : "socket", trouble: ALMOST, probes };
  if (steady) return { over, trouble: 0, probes: 0 };
  const now = trouble + (state.phase === "open" ? NOT_LASTING : NO_HELLO);
  return { over: now >= TROUBLE_AT_MOST ? "requests" : "socket", trouble: now, probes };
}

// Timers stop while a machine sleeps, and a page that wakes up may have a dead socket that claims to be open.
function doubt(state: ConnectionState, now: number, random: number): ConnectionStep {
  if (isWaiting(state)) return connect(state, state.status);
  // Somebody may have signed in again in another tab. The server checks whether it is the page's user.
  if (state.status === "paused" || state.status === "signed-out") return connect(state, "connecting");
  if (state.phase !== "open") return stay(state);
  if (now - state.heardAt >= SILENCE_MS) return tryAgain(state, now, random);
  const { state: next, effects } = probe(state); // another network may let sockets through
  return stay(next, ...effects, { type: "ping" }, { type: "startTimer", name: "pong", ms: PONG_TIMEOUT_MS });
}

function isWaiting(state: ConnectionState): boolean {
  return state.phase === "down" && (state.status === "connecting" || state.status === "offline");
}

function timerFired(state: ConnectionState, name: ConnectionTimer, now: number, random: number): ConnectionStep {
  if (name === "reconnect") return isWaiting(state) ? connect(state, state.status) : stay(state);
  if (name === "connect") return state.phase === "opening" ? tryAgain(state, now, random) : stay(state);
  if (state.phase !== "open") return stay(state);
  if (name === "silence") return silenceFired(state, now, random);
  if (name === "probe") return state.probing ? probeFailed(state, random) : probe(state);
  return tryAgain(state, now, random);
}

// One timer serves many frames: it is set again only when it fires.
function silenceFired(state: ConnectionState, now: number, random: number): ConnectionStep {
  const left = state.heardAt + SILENCE_MS - now;
  return left <= 0 ? tryAgain(state, now, random) : stay(state, { type: "startTimer", name: "silence", ms: left });
}
