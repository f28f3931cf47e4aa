/** One place for what every htmx request of the page needs: whose page it is, the CSRF token, and a key by which a repeated one is done once. */
import htmx, { type HtmxRequestCtx } from "htmx.org";
import { csrfToken, type LiveClient, userHeader } from "../../fullcalendar";

export type HtmxEvent = CustomEvent<{ readonly ctx?: HtmxRequestCtx }>;

/** A network that swallows a request says nothing: then the form is free again, and says so. Longer than a server waits for a lock. */
const TIMEOUT_MS = 15_000;

/** Send the headers from now on. */
export function wireHtmx(client: LiveClient, userId: string): void {
  htmx.config.defaultTimeout = TIMEOUT_MS;
  document.addEventListener("htmx:config:request", (event) => {
    const request = (event as HtmxEvent).detail.ctx?.request;
    if (!request) return;
    Object.assign(request.headers, userHeader(userId));
    if (request.method === "GET") return;
    request.headers["X-CSRFToken"] = csrfToken();
    // A form carries its own; a deletion is told from others' by it.
    if (request.method === "DELETE") request.headers["Idempotency-Key"] = client.newMutationId();
  });
}
