/** Requests one feed, and turns its answer or failure into the core's terms. */
import type { FeedAnswer, FeedFailure } from "../../core/model";
import type { Range } from "../../core/range";
import { readItems, type Unreadable } from "../../protocol/item";
import { isAccess, isState } from "../../protocol/state";
import { type Answer, type ApiError, type Call, retryAfterMs } from "./http";

export interface FeedRequest {
  readonly calendar: string;
  readonly range: Range;
  readonly minRevision: number;
  readonly etag: string | null;
  readonly signal: AbortSignal;
}

export type FeedOutcome =
  /** `unreadable`: rows that are left out of the answer, so that they are hidden (C5). */
  | { readonly ok: true; readonly answer: FeedAnswer; readonly unreadable: readonly Unreadable[] }
  | { readonly ok: false; readonly failure: FeedFailure; readonly error: ApiError };

/** Ask a calendar's feed for a range, never as it was before `minRevision`. */
export async function askFeed(call: Call, request: FeedRequest): Promise<FeedOutcome> {
  const { calendar, range, minRevision, etag, signal } = request;
  const query = new URLSearchParams({
    start: instant(range.start),
    end: instant(range.end),
    min_revision: String(minRevision),
  });
  const headers: Record<string, string> = etag === null ? {} : { "If-None-Match": etag };
  const result = await call({ method: "GET", path: `calendars/${calendar}/feed/?${query}`, headers, signal });
  if (!result.ok) return { ok: false, failure: failureOf(result.error), error: result.error };
  const read = readAnswer(result.value, calendar);
  if (read !== null) return { ok: true, ...read };
  // A proxy may strip the headers off a 304. Then ask for the whole answer.
  if (etag !== null) return askFeed(call, { ...request, etag: null });
  return { ok: false, failure: { kind: "retry", afterMs: null }, error: UNREADABLE };
}

const UNREADABLE: ApiError = { status: 200, code: "unreadable", detail: "The feed's answer could not be read." };

function instant(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

function readAnswer(
  { status, headers, json }: Answer,
  calendar: string,
): Omit<Extract<FeedOutcome, { ok: true }>, "ok"> | null {
  const state = headers.get("Calendar-State");
  const access = headers.get("Calendar-Access");
  const etag = headers.get("ETag");
  if (!isState(state) || access === null || !isAccess(access)) return null;
  if (status === 304) return { answer: { state, access, etag, rows: null }, unreadable: [] };
  if (!Array.isArray(json)) return null;
  const { items, unreadable } = readItems(json, calendar);
  return { answer: { state, access, etag, rows: items }, unreadable };
}

function failureOf(error: ApiError): FeedFailure {
  if (error.status === 401) return { kind: "signed-out" };
  if (error.status === 403) return { kind: "gone", reason: "forbidden" };
  if (error.status === 404) return { kind: "gone", reason: "not_found" };
  const again =
    error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500 || error.status < 300;
  return again ? { kind: "retry", afterMs: retryAfterMs(error) } : { kind: "refused" };
}
