/** Shows the state of the connection, and what the user can do when it is gone for good. */
import type { LiveReader } from "../../client/live-reader";
import type { TextName } from "../words/page-data";

type Status = ReturnType<LiveReader["status"]>;

type Action = "signIn" | "reload";
/** What the sign says. */
export type SignText = Extract<
  TextName,
  | "live"
  | "connecting"
  | "reconnecting"
  | "offline"
  | "signedOut"
  | "stopped"
  | "reload"
  | `${"live" | "liveByRequests" | "reconnecting" | "signedOut" | "stopped"}Hint`
>;

/** The texts that only pages that write have. */
type UnsavedText = "notSaved" | "savedLater";

interface SignPage {
  /** `signIn` is present only on pages with a sign-in. */
  readonly texts: Readonly<Record<SignText, string>> & Partial<Readonly<Record<"signIn" | UnsavedText, string>>>;
  /** Empty on pages without a sign-in. */
  readonly loginUrl: string;
}

interface Sign {
  /** How the style sheet colours it. */
  readonly appearance: "live" | "waiting" | "lost";
  readonly text: SignText | UnsavedText;
  readonly hint: SignText | UnsavedText;
  readonly action?: Action;
}

const WAITING: Sign = { appearance: "waiting", text: "reconnecting", hint: "reconnectingHint" };
const STOPPED: Sign = { appearance: "lost", text: "stopped", hint: "stoppedHint", action: "reload" };
const SIGNS: Readonly<Record<Status, Sign>> = {
  idle: { appearance: "waiting", text: "connecting", hint: "reconnectingHint" },
  connecting: { appearance: "waiting", text: "connecting", hint: "reconnectingHint" },
  live: { appearance: "live", text: "live", hint: "liveHint" },
  offline: WAITING,
  paused: WAITING,
  "signed-out": { appearance: "lost", text: "signedOut", hint: "signedOutHint", action: "signIn" },
  forbidden: STOPPED,
  refused: STOPPED,
  "too-many": STOPPED,
  closed: STOPPED,
};
/** A connection that is back within this time is not worth mentioning. */
const PATIENCE_MS = 800;

/**
 * Show the connection's status from now on. `isUnsaved` tells whether a write is not saved yet; a page that only reads
 * leaves it out.
 */
export function showConnection(client: LiveReader, page: SignPage, isUnsaved: () => boolean = () => false): void {
  const box = document.getElementById("connection");
  const place = box?.querySelector(".connection__text");
  const action = box?.querySelector<HTMLAnchorElement>("a");
  if (!box || !place || !action) return;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const show = (): void => {
    const sign = signOf(client, isUnsaved());
    box.dataset["look"] = sign.appearance;
    box.title = page.texts[sign.hint] ?? "";
    const text = page.texts[sign.text] ?? "";
    if (place.textContent !== text) place.textContent = text;
    const word = sign.action && page.texts[sign.action];
    action.hidden = word === undefined;
    if (word !== undefined) {
      action.textContent = word;
      action.href = sign.action === "signIn" ? backBy(page.loginUrl) : here();
    }
  };
  const showSoon = (): void => {
    clearTimeout(timer);
    if (client.status() === "paused") return; // nobody sees the page, and a user who is back for a moment need not know
    if (signOf(client, isUnsaved()).appearance === "waiting") timer = setTimeout(show, PATIENCE_MS);
    else show();
  };
  client.on("status", showSoon);
  for (const name of ["writeLost", "writeFound"] as const) client.on(name, show);
  addEventListener("online", showSoon);
  addEventListener("offline", showSoon);
  showSoon();
}

/** Return the address of a page that leads back to this one. */
export function backBy(url: string): string {
  return `${url}?next=${encodeURIComponent(here())}`;
}

function here(): string {
  return `${location.pathname}${location.search}`;
}

function signOf(client: LiveReader, isUnsaved: boolean): Sign {
  const sign = SIGNS[client.status()];
  if (sign.appearance === "live" && isUnsaved) return { appearance: "waiting", text: "notSaved", hint: "savedLater" };
  if (sign.appearance === "live" && client.way() === "requests") return { ...sign, hint: "liveByRequestsHint" };
  return sign.appearance === "waiting" && !navigator.onLine ? { ...sign, text: "offline" } : sign;
}
