/** Gives each request that changes something an Idempotency-Key, and repeats the key after a lost answer. */

import { type Call, isLost } from "./http";

/**
 * How long a request that is made again keeps its key. Later, it is a new request, because others may have undone the
 * first since.
 */
const SAME_MS = 60_000;

/**
 * Return a caller that gives each change a key. A request that is made again while the first is under way, or soon
 * after its answer was lost, gets the key of the first, so that the server carries it out once. If another request was
 * made in between, it counts as a new one, because it may be meant to undo that other request.
 */
export function withKeys(call: Call, newKey: () => string, now: () => number): Call {
  let last: { readonly asked: string; readonly key: string; readonly at: number } | null = null;
  return async (request) => {
    if (request.method === "GET") return call(request);
    const asked = JSON.stringify([request.method, request.path, request.body]);
    const mine = last?.asked === asked && now() - last.at < SAME_MS ? last : { asked, key: newKey(), at: now() };
    last = mine;
    const result = await call({ ...request, headers: { ...request.headers, "Idempotency-Key": mine.key } });
    if (last === mine && (result.ok || !isLost(result.error))) last = null;
    return result;
  };
}
