/** Tests that full jitter stays within its bounds. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ASK_AGAIN, fullJitterMs, RECONNECT } from "../../src/core/backoff";

test("full_jitter_is_between_nothing_and_the_doubled_base_and_never_above_the_cap", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(RECONNECT, ASK_AGAIN),
      fc.nat(2000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (backoff, attempt, random) => {
        const ms = fullJitterMs(backoff, attempt, random);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(Math.min(backoff.capMs, 500 * 2 ** Math.min(attempt, 30)));
      },
    ),
  );
});

test("a_socket_is_tried_again_within_five_seconds_however_long_the_server_was_away", () => {
  expect(fullJitterMs(RECONNECT, 1_000, 0.999_999)).toBeLessThanOrEqual(5_000);
});
