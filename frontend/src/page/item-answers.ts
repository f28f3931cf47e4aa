/** The server's answers to what the dialog of an item asks: its own views, and its htmx requests. Never puts anything else into it. */
import { userHeader } from "../fullcalendar";
import { backBy } from "./connection-sign";
import type { HtmxEvent } from "./htmx-wiring";
import { fill, type PageData } from "./page-data";
import type { Toasts } from "./toasts";

/** Sent by every view of the dialog: what lacks it is a proxy's error page, or a sign-in page. */
const MINE = "Calendar-Dialog";

interface Parts {
  readonly page: PageData;
  readonly toasts: Toasts;
}

/** Return the HTML of a view, or null when something else came instead, which is said. */
export async function askView(url: string, { page, toasts }: Parts): Promise<string | null> {
  try {
    const response = await fetch(url, {
      headers: { "HX-Request": "true", ...userHeader(page.userId) },
      cache: "no-store",
    });
    if (response.headers.has(MINE)) return await response.text();
    if (response.status === 401)
      location.assign(backBy(page.loginUrl)); // nothing is typed yet that would be lost
    else toasts.show(page.texts.unexpected);
  } catch {
    toasts.show(page.texts.couldNotOpen);
  }
  return null;
}

interface Hearer {
  /** A view was put into the dialog. */
  filled(): void;
  complain(text: string, signedOut?: boolean): void;
}

/** Hear of the answers to the htmx requests of a dialog, whose views go into `body`. */
export function hearAnswers(dialog: HTMLElement, body: HTMLElement, { texts }: PageData, hearer: Hearer): void {
  dialog.addEventListener("htmx:before:response", (event) => {
    const { ctx } = (event as HtmxEvent).detail;
    const status = ctx?.response?.status ?? 0;
    // A deletion is the API's: its answer is read below, and never swapped in.
    if (ctx?.response?.headers.has(MINE) || ctx?.request.method === "DELETE" || status === 204) return;
    event.preventDefault();
    hearer.complain(status === 401 ? texts.signedOutHint : texts.unexpected, status === 401);
  });
  dialog.addEventListener("htmx:response:error", (event) => {
    const { ctx } = (event as HtmxEvent).detail;
    if (ctx?.request.method !== "DELETE") return;
    const reason = detailOf(ctx.text) || texts.unexpected;
    hearer.complain(fill(texts.deletionRefused, { reason }), ctx.response?.status === 401);
  });
  dialog.addEventListener("htmx:error", () => hearer.complain(texts.couldNotSave));
  dialog.addEventListener("htmx:after:swap", (event) => {
    if ((event as HtmxEvent).detail.ctx?.target === body) hearer.filled();
  });
}

function detailOf(text: string | undefined): string {
  try {
    return String((JSON.parse(text ?? "") as { readonly detail?: unknown }).detail ?? "");
  } catch {
    return "";
  }
}
