/** Says why the server refused something, in the page's words. */
import type { ApiError, LiveClient } from "../../fullcalendar";
import { fill, type PageData } from "./page-data";
import { changedBy } from "./people";

/** Return why something was refused, in plain words. */
export function reasonOf(error: ApiError, page: PageData, client?: LiveClient): string {
  if (error.code === "network") return page.texts.noConnection;
  if (error.code === "stale" && error.current && client) {
    return fill(page.texts.changedMeanwhileBy, { person: changedBy(error, client, page) });
  }
  if (error.code === "stale") return page.texts.changedMeanwhile;
  return error.code === "forbidden" ? page.texts.notAllowed : saidOf(error, page);
}

/** Return a refusal as a sentence of its own. */
export function complaintOf(error: ApiError, page: PageData): string {
  return error.code === "network" ? page.texts.shareNoConnection : saidOf(error, page);
}

function saidOf(error: ApiError, page: PageData): string {
  if (error.code === "signed_out") return page.texts.signedOutHint;
  if (!isWorded(error)) return page.texts.unexpected;
  return Object.values(error.fields ?? {})[0]?.[0] ?? error.detail;
}

/**
 * Tell whether the site worded an error for people. What the library or a proxy says about an answer is for developers.
 */
function isWorded({ status, code }: ApiError): boolean {
  return status !== 0 && code !== "unreadable" && !code.startsWith("http_");
}
