/** Repeats a call whose answer was lost, with backoff and under the same Idempotency-Key. */
import { ASK_AGAIN, fullJitterMs } from "../../core/backoff";
import { isLost, type Result } from "../api/http";
import type { Edges } from "../edges";

/** About ten seconds with full jitter, because a user waits for the answer. */
const TRIES = 5;

/** Repeat `attempt`, which must send the same key each time. Returns the last failure if no answer comes in the end. */
export async function persistently<T>(edges: Edges, attempt: () => Promise<Result<T>>): Promise<Result<T>> {
  for (let failures = 0; ; failures += 1) {
    const result = await attempt();
    if (result.ok || !isLost(result.error) || failures + 1 >= TRIES) return result;
    await new Promise<void>((resolve) => {
      edges.setTimer(resolve, Math.max(1, fullJitterMs(ASK_AGAIN, failures, edges.random())));
    });
  }
}
