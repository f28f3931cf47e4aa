/**
 * Takes the server's answers for the dialog of an item, and recognizes answers that do not come from the dialog's
 * views.
 */
import { csrfToken, userHeader } from "../../fullcalendar";
import { backBy } from "../notice/connection-sign";
import type { Toasts } from "../notice/toasts";
import { fill, type PageData } from "../words/page-data";
import type { HtmxEvent } from "./htmx-wiring";

/** The header that every view of the dialog sends. A page without it is a proxy's error page, or a sign-in page. */
const MINE = "Calendar-Dialog";

interface Parts {
  readonly page: PageData;
  readonly toasts: Toasts;
}

/** Return the HTML of a view, or null after telling the user that something else arrived instead. */
export async function askView(url: string, { page, toasts }: Parts): Promise<string | null> {
  try {
    const response = await fetch(url, {
      headers: { "HX-Request": "true", ...userHeader(page.userId) },
      cache: "no-store",
    });
    if (response.headers.has(MINE)) return await response.text();
    if (response.status === 401)
      location.assign(backBy(page.loginUrl)); // nothing is typed yet that could be lost
    else toasts.show(page.texts.unexpected);
  } catch {
    toasts.show(page.texts.couldNotOpen);
  }
  return null;
}

/**
 * Return the form with what was typed on top of the item as it is now, or null if there is no such answer. Nothing is
 * saved. The page has asked by itself, so a failure is not told.
 */
export async function askComparison(url: string, typed: URLSearchParams, page: PageData): Promise<string | null> {
  const headers = { "HX-Request": "true", "X-CSRFToken": csrfToken(), ...userHeader(page.userId) };
  try {
    const response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams([...typed, ["compare", ""]]),
      headers,
    });
    return response.ok && response.headers.has(MINE) ? await response.text() : null;
  } catch {
    return null;
  }
}

interface Hearer {
  /** Called when a view was put into the dialog. */
  filled(): void;
  complain(text: string, signedOut?: boolean): void;
}

/** Listen to the answers to a dialog's htmx requests, whose views go into `body`. */
export function hearAnswers(dialog: HTMLElement, body: HTMLElement, { texts }: PageData, hearer: Hearer): void {
  dialog.addEventListener("htmx:before:response", (event) => {
    const { ctx } = (event as HtmxEvent).detail;
    const status = ctx?.response?.status ?? 0;
    // The API answers a deletion with JSON, which is read below and not put into the dialog.
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
