/** Adds the user and the CSRF token to the page's htmx requests. */
import htmx, { type HtmxRequestCtx } from "htmx.org";
import { csrfToken, userHeader } from "../../fullcalendar";

export type HtmxEvent = CustomEvent<{ readonly ctx?: HtmxRequestCtx }>;

/**
 * How long a request may go without an answer, because a network may drop it without a sign. After this time, the form
 * says so and can be sent again. A server waits less than this for a lock.
 */
const TIMEOUT_MS = 15_000;

/** Add the headers to every request from now on. */
export function wireHtmx(userId: string): void {
  htmx.config.defaultTimeout = TIMEOUT_MS;
  document.addEventListener("htmx:config:request", (event) => {
    const request = (event as HtmxEvent).detail.ctx?.request;
    if (!request) return;
    Object.assign(request.headers, userHeader(userId));
    if (request.method !== "GET") request.headers["X-CSRFToken"] = csrfToken();
  });
}
