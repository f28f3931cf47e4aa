/** Sends one HTTP request to the site's API, and returns its answer or its documented error. */
import { isObject, parseJson } from "../../protocol/checks";
import { type Item, readItem } from "../../protocol/item";
import type { PollEdges } from "../../transport/longpoll";
import type { Edges } from "../edges";

/** A failure as the API documents it. Without any answer the status is 0 and the code "network". */
export interface ApiError {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fields?: Readonly<Record<string, readonly string[]>>;
  /** With 412: the item as it is now. */
  readonly current?: Item;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
}

export interface Request {
  readonly method: "GET" | "PATCH" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/**
 * What a request presents: the token of a public link, or else the session's cookie and, if `user` is given, the user
 * whose session it must be.
 */
export interface Asker {
  readonly link?: string | undefined;
  readonly user?: string | undefined;
}

/** Return a function that sends requests below an API address such as `/api/`. */
export function httpCaller(edges: Edges, apiUrl: string, asker: Asker): Call {
  const base = apiUrl.endsWith("/") ? apiUrl : `${apiUrl}/`;
  return (request) => call(edges, base, request, asker);
}

/** How long a write may wait for its answer before it counts as lost. A server waits at most 5 s for another writer. */
export const WRITE_TIMEOUT_MS = 10_000;

export type Call = (request: Request) => Promise<Result<Answer>>;

/** Return what the long-poll transport needs from the outside world. */
export function pollEdges(edges: Edges, call: Call): PollEdges {
  return {
    async ask(body, signal) {
      const result = await call({ method: "POST", path: "frames/", body, signal });
      if (result.ok) return result.value;
      // An error that is not the API's own comes from a proxy: some answer 404 while the server is away.
      return { status: isOwn(result.error) ? result.error.status : 0, json: null };
    },
    now: edges.now,
    wait: edges.setTimer,
  };
}

async function call(edges: Edges, base: string, asked: Request, asker: Asker): Promise<Result<Answer>> {
  let response: Response;
  let text: string;
  const { request, done } = bounded(edges, asked);
  try {
    response = await edges.fetch(base + request.path, requestInit(edges, request, asker));
    text = await response.text();
  } catch (error) {
    return failed({ status: 0, code: "network", detail: String(error) });
  } finally {
    done();
  }
  const json = text === "" ? { ok: true as const, value: null } : parseJson(text);
  if (!response.ok && response.status !== 304) return failed(apiError(response, json.ok ? json.value : null), response);
  if (!json.ok) return failed({ status: response.status, code: "unreadable", detail: "The answer is not JSON." });
  return { ok: true, value: { status: response.status, headers: response.headers, json: json.value } };
}

/**
 * Return a request that aborts in time, because a network may drop it without a sign. A caller that passes a signal
 * aborts it itself.
 */
function bounded(edges: Edges, request: Request): { readonly request: Request; done(): void } {
  if (request.method === "GET" || request.signal !== undefined) return { request, done: () => {} };
  const abort = new AbortController();
  const timer = edges.setTimer(() => abort.abort(), WRITE_TIMEOUT_MS);
  return { request: { ...request, signal: abort.signal }, done: () => edges.clearTimer(timer) };
}

// Browsers differ in what cache: "no-store" adds to a request, so the headers are set here too.
function requestInit(edges: Edges, { method, headers, body, signal }: Request, { link, user }: Asker): RequestInit {
  const csrf = method === "GET" ? {} : { "X-CSRFToken": csrfToken(edges.cookies()) };
  const session = { ...csrf, ...(user === undefined ? {} : userHeader(user)) };
  return {
    method,
    credentials: link === undefined ? "same-origin" : "omit",
    cache: "no-store",
    headers: {
      Accept: "application/json",
      "Cache-Control": "no-cache",
      Pragma: "no-cache",
      ...(link === undefined ? session : { Authorization: `Link ${link}` }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Return the header that says whose page asks. The server refuses the session of anybody else. */
export function userHeader(user: string): Readonly<Record<string, string>> {
  return { "Calendar-User": encodeURIComponent(user) }; // a header allows only such characters
}

/** Return the CSRF token in the cookies, or "". */
export function csrfToken(cookies: string = document.cookie): string {
  const found = /(?:^|;\s*)csrftoken=([^;]*)/.exec(cookies);
  return decodeURIComponent(found?.[1] ?? "");
}

/**
 * The statuses of a request without an answer, or with an answer from a proxy: the server may have carried it out or
 * not.
 */
const UNKNOWN: readonly number[] = [0, 408, 425, 429, 502, 503, 504];

/**
 * Tell whether a failure leaves open whether the server has carried out the request, so that it must be repeated under
 * the same key.
 */
export function isLost(error: ApiError): boolean {
  return UNKNOWN.includes(error.status);
}

const retryAfter = new WeakMap<ApiError, number>();

/** Return the milliseconds that an error's `Retry-After` asks for, or null. */
export function retryAfterMs(error: ApiError): number | null {
  return retryAfter.get(error) ?? null;
}

function failed(error: ApiError, response?: Response): { readonly ok: false; readonly error: ApiError } {
  const seconds = Number(response?.headers.get("Retry-After") ?? Number.NaN);
  if (Number.isFinite(seconds) && seconds >= 0) retryAfter.set(error, seconds * 1000);
  return { ok: false, error };
}

function isOwn({ status, code }: ApiError): boolean {
  return code !== httpCode(status);
}

function httpCode(status: number): string {
  return `http_${status}`;
}

function apiError(response: Response, json: unknown): ApiError {
  const { code, detail, fields, current } = isObject(json) ? json : {};
  const item = readItem(current);
  return {
    status: response.status,
    code: typeof code === "string" ? code : httpCode(response.status),
    detail: typeof detail === "string" ? detail : response.statusText,
    ...(isFields(fields) ? { fields } : {}),
    ...(item === null ? {} : { current: item }),
  };
}

function isFields(value: unknown): value is Readonly<Record<string, readonly string[]>> {
  return isObject(value) && Object.values(value).every((list) => Array.isArray(list));
}
