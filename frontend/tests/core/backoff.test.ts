/** Full jitter stays within its bounds. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { fullJitterMs, RECONNECT } from "../../src/core/backoff";

test("full_jitter_is_between_nothing_and_the_doubled_base_and_never_above_the_cap", () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
      const ms = fullJitterMs(RECONNECT, attempt, random);
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThanOrEqual(Math.min(30_000, 500 * 2 ** Math.min(attempt, 30)));
    }),
  );
});
