/** Gives each request that changes something its Idempotency-Key. Never sends one by itself. */

import { type Call, isLost } from "./http";

/** Who asks the same later than this after its answer was lost means something new: others may have undone it since. */
const SAME_MS = 60_000;

/**
 * Return a caller whose requests are done once: the same one again, while the first is under way or soon after its answer was lost, has
 * the key of the first. Anything else that was asked in between makes it another: it may mean to put back what that has changed.
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
