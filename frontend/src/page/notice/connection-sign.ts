/** The quiet sign of the connection: a dot and a word, and what one can do when it is gone for good. */
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

/** Only where one can write. */
type UnsavedText = "notSaved" | "savedLater";

interface SignPage {
  /** "signIn" only where one can. */
  readonly texts: Readonly<Record<SignText, string>> & Partial<Readonly<Record<"signIn" | UnsavedText, string>>>;
  /** Empty: there is nothing to sign in to. */
  readonly loginUrl: string;
}

interface Sign {
  /** Its colour in the style sheet. */
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
/** A connection that is back sooner is no news. */
const PATIENCE_MS = 800;

/** Show the connection's status from now on. `isUnsaved`: whether something written here is not saved yet; never, where one only reads. */
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
    if (client.status() === "paused") return; // nobody sees it, nor would one who comes back for a moment only
    if (signOf(client, isUnsaved()).appearance === "waiting") timer = setTimeout(show, PATIENCE_MS);
    else show();
  };
  client.on("status", showSoon);
  for (const name of ["writeLost", "writeFound"] as const) client.on(name, show);
  addEventListener("online", showSoon);
  addEventListener("offline", showSoon);
  showSoon();
}

/** Return the address of a page that leads back here. */
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
