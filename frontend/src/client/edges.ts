/**
 * Defines what the client needs from the outside world (time, chance, page signals, cookies), and provides it in a
 * browser.
 */
import type { Transport } from "../transport/transport";
import { webSocketTransport } from "../transport/websocket";

/**
 * What a browser reports about its page.
 *
 * - `doubt`: the page is visible or focused again, or its network came or went, so the socket may be dead.
 * - `hide`: nobody sees the page any more.
 * - `pause`: the page goes away, perhaps to the back/forward cache.
 * - `resume`: the page is back from there.
 */
export type PageSignal = "doubt" | "hide" | "pause" | "resume";
export type TimerId = ReturnType<typeof setTimeout>;

export interface Edges {
  readonly transport: Transport;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Milliseconds since any fixed point; never runs backwards. */
  now(): number;
  /** A number in [0, 1). */
  random(): number;
  uuid(): string;
  setTimer(run: () => void, ms: number): TimerId;
  clearTimer(id: TimerId): void;
  /** Run once before the next repaint, or soon when nothing is painted. */
  nextRepaint(run: () => void): void;
  /** Returns a function that stops listening. */
  onPageSignal(listener: (signal: PageSignal) => void): () => void;
  /** Tells whether nobody sees the page, as when another tab is in front or the window is minimized. */
  isHidden(): boolean;
  cookies(): string;
}

/** Return the browser's own edges. */
export function browserEdges(socketUrl: string): Edges {
  return {
    transport: webSocketTransport(socketUrl),
    fetch: (url, init) => fetch(url, init),
    now: () => performance.now(),
    random: () => Math.random(),
    uuid: randomUuid,
    setTimer: (run, ms) => setTimeout(run, ms),
    clearTimer: (id) => clearTimeout(id),
    nextRepaint,
    onPageSignal,
    isHidden,
    cookies: () => document.cookie,
  };
}

// crypto.randomUUID exists only in secure contexts, but a team may reach its own machine by plain HTTP.
function randomUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Longer than a visible page takes from one repaint to the next; a hidden page is never repainted. */
const NO_REPAINT_MS = 250;

function nextRepaint(run: () => void): void {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    cancelAnimationFrame(repaint);
    clearTimeout(timer);
    run();
  };
  const repaint = requestAnimationFrame(once);
  const timer = setTimeout(once, NO_REPAINT_MS);
}

function isHidden(): boolean {
  return document.visibilityState === "hidden";
}

function onPageSignal(listener: (signal: PageSignal) => void): () => void {
  const listeners = new AbortController();
  const { signal } = listeners;
  const doubt = () => {
    if (!isHidden()) listener("doubt");
  };
  document.addEventListener("visibilitychange", () => listener(isHidden() ? "hide" : "doubt"), { signal });
  document.addEventListener("resume", doubt, { signal });
  for (const name of ["online", "offline", "focus"]) addEventListener(name, doubt, { signal });
  // A page that returns from the back/forward cache has a dead socket that claims to be open. So the client closes the
  // socket when the page goes away, and connects again when it is back.
  addEventListener("pagehide", () => listener("pause"), { signal });
  addEventListener("pageshow", (event) => listener(event.persisted ? "resume" : "doubt"), { signal });
  return () => listeners.abort();
}
