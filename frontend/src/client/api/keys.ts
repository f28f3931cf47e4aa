/** Gives each request that changes something an Idempotency-Key, and repeats the key after a lost answer. */

import { type Call, isLost } from "./http";

/** The same request later than this after a lost answer is a new one: others may have undone the first since. */
const SAME_MS = 60_000;

/**
 * Return a caller that gives each change a key. The same request again, while the first is under way or soon after its
 * answer was lost, has the key of the first, so that the server does it once. After another request in between it is a
 * new one: it may be meant to undo that.
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
