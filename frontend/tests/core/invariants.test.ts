/**
 * Tests invariants 3, 4, 5 (in the end), 6, 7 and 8 in random lives on a hostile network, and which rules they need.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reduce, reduceWith } from "../../src/core/reduce";
import { RULES, type Rules } from "../../src/core/rules";
import { revisionOf } from "../../src/protocol/state";
import { holdsInEveryLife } from "../support/steps";

const SEED = Number(process.env.MODEL_SEED ?? 20261122);
const RUNS = Number(process.env.MODEL_RUNS ?? 2000);

test("invariants_3_4_5_6_7_8_hold_in_every_life", { timeout: 60_000 + RUNS * 20 }, () => {
  fc.assert(holdsInEveryLife(reduce), { numRuns: RUNS, seed: SEED });
});

const mergeUnlessAhead: Rules["placeFeed"] = (state, answer) => {
  const place = RULES.placeFeed(state, answer);
  return place === "again" && answer.access === state.access ? "merge" : place;
};

const ABLATIONS: Readonly<Record<string, Partial<Rules>>> = {
  "C3: the chain is not checked": {
    placeChange: (cursor, change) => (revisionOf(change.newState) > revisionOf(cursor) ? "apply" : "behind"),
  },
  "C2: graves go at once": { mayForget: () => true },
  "C5: a feed's rows are taken whatever is known": { takes: () => true },
  "C5: a feed is merged wherever it stands": { placeFeed: () => "merge" },
  "C5: a feed that is ahead is merged at once": {
    placeFeed: (state, answer) => {
      const place = RULES.placeFeed(state, answer);
      return place === "wait" ? "merge" : place;
    },
  },
  "C1 and C5: no min_revision and no lineage": {
    minRevision: () => 0,
    placeFeed: mergeUnlessAhead,
  },
  "C4: subscribed always sets the cursor": { setsCursor: () => true },
  "C4: a subscribe without an answer is waited for": { asksUnanswered: () => false },
  "C6: heads are ignored": { headDiffers: () => false },
  "C7: a reset keeps the store": {
    forgotten: (state) => ({ ...RULES.forgotten(state), rows: state.rows, graves: state.graves }),
  },
  "C7 and C5: a reset keeps the feeds in flight, and lineage is not checked": {
    forgotten: (state) => ({ ...RULES.forgotten(state), asks: state.asks }),
    placeFeed: mergeUnlessAhead,
  },
  "C8: an overlay ends at its answer": { endsWhenAnswered: () => true },
  "C8: a lost answer is retried under another key": { retryKey: (key, attempts) => `${key}, try ${attempts}` },
  "C3: sets that are only true together count one by one": { isOpen: () => false },
  "C3: a cut connection keeps its chunks": {
    cut: (state) => ({ ...RULES.cut(state), part: state.part }),
    continuesPart: () => true,
  },
};

describe("ablation: the invariants fail without", () => {
  test.each(Object.entries(ABLATIONS))("%s", (_, rules) => {
    const outcome = fc.check(holdsInEveryLife(reduceWith({ ...RULES, ...rules })), {
      numRuns: 12_000,
      seed: SEED,
      endOnFailure: true,
    });
    expect(outcome.failed).toBe(true);
  });
});
