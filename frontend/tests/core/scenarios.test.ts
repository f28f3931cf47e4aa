/** Replays the model's scenarios: after each step the core must show, know and ask what the model says. */
import { describe, expect, test } from "vitest";
import { reduceWith } from "../../src/core/reduce";
import { RULES, type Rules } from "../../src/core/rules";
import { Replay, readScenarios, type Scenario } from "../support/scenario";

const SCENARIOS = readScenarios();

function play(scenario: Scenario, replay: Replay): void {
  scenario.steps.forEach((step, at) => {
    expect(replay.take(step), `step ${at + 1} (${step.do})`).toEqual(step.expect);
  });
}

describe("the core does as the model", () => {
  test.each([...SCENARIOS])("%s", (_, scenario) => play(scenario, new Replay()));
});

// Which scenario fails without which rule. This shows that the replay can fail.
const WITHOUT: readonly (readonly [string, string, Partial<Rules>])[] = [
  ["C2", "a-feed-asked-before-a-deletion-arrives-after-it", { mayForget: () => true }],
  ["C3", "a-lost-change-set-is-asked-for-when-the-next-one-comes", { placeChange: () => "apply" }],
  ["C4", "an-answer-to-an-earlier-subscribe-does-not-count", { isAnswered: () => true }],
  ["C5", "a-feed-ahead-of-the-cursor-waits-for-it", { placeFeed: () => "merge" }],
  ["C5", "a-feed-of-before-a-creation-does-not-take-it-away", { hidesMissing: () => true }],
  ["C6", "a-lost-last-change-is-found-by-the-heartbeat", { headDiffers: () => false }],
  ["C8", "an-answered-deletion-never-flickers", { endsWhenAnswered: () => true }],
];

test.each(WITHOUT)("without %s the core does not: %s", (_, name, rules) => {
  const scenario = SCENARIOS.get(name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  expect(() => play(scenario, new Replay(reduceWith({ ...RULES, ...rules })))).toThrow();
});
