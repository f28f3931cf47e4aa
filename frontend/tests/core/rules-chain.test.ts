/** Tests the rules of the chain (C1 to C4): subscribing, tombstones, change sets, and what `subscribed` means. */
import { describe, expect, test } from "vitest";
import { isInRange } from "../../src/core/range";
import type { State } from "../../src/protocol/state";
import { ACCESS, live, MONTH, row, subscribing } from "../support/case";
import { CALENDAR, dayMs, days, item, state, uuid } from "../support/items";

describe("the range rule", () => {
  const allDay = { allDay: true, start: "2026-11-03", end: "2026-11-04" };
  test.each([
    ["one that spans the whole range", { start: "2026-10-01T00:00:00Z", end: "2027-01-01T00:00:00Z" }, true],
    ["one that ends at its start", { start: "2026-11-01T00:00:00Z", end: "2026-11-02T00:00:00Z" }, false],
    ["one that starts at its end", { start: "2026-11-04T00:00:00Z", end: "2026-11-05T00:00:00Z" }, false],
    ["a zero-length one at its start", { start: "2026-11-02T00:00:00Z", end: "2026-11-02T00:00:00Z" }, true],
    ["a zero-length one at its end", { start: "2026-11-04T00:00:00Z", end: "2026-11-04T00:00:00Z" }, false],
    ["a zero-length one within", { start: "2026-11-03T00:00:00Z", end: "2026-11-03T00:00:00Z" }, true],
    ["an all-day one on its last day", allDay, true],
    ["an all-day one on the day before", { allDay: true, start: "2026-11-01", end: "2026-11-02" }, false],
  ])("%s", (_, dates, expected) => {
    const range = { start: dayMs(1), end: dayMs(3) };
    expect(isInRange(item(1, state(1), dates), range)).toBe(expected);
  });
});

describe("C1: subscribe first, then fetch with min_revision", () => {
  test("client_asks_nothing_before_it_is_subscribed", () => {
    expect(subscribing().asked()).toEqual(["subscribe null"]);
  });

  test("client_fetches_each_shown_range_once_from_the_cursors_revision", () => {
    const two = subscribing().take({ type: "show", viewer: "b", range: days(0, 7) });
    two.take({ type: "show", viewer: "c", range: MONTH });
    expect(two.subscribed(state(5)).asked()).toEqual(["fetch 5", "fetch 5"]);
  });

  test("client_drops_the_feed_of_a_range_that_is_no_longer_shown", () => {
    const one = subscribing().subscribed(state(5));
    expect(one.take({ type: "show", viewer: "a", range: days(30, 60) }).asked()).toEqual(["abort", "fetch 5"]);
    expect(one.feed(state(5), [row(1, 4)], 1).shows()).toEqual([]);
  });
});

describe("C2: tombstones", () => {
  test("tombstone_stays_while_an_older_feed_is_in_flight", () => {
    const one = live().take({ type: "show", viewer: "b", range: days(0, 7) });
    one.change(state(5), state(6), { destroyed: [uuid(1)] });
    expect(one.state.graves.get(uuid(1))).toBe(6);
    expect(one.feed(state(5), [row(1, 4), row(2, 2)]).shows()).toEqual([uuid(2)]);
    expect(one.state.graves.size).toBe(0);
  });
});

describe("C3: a change set", () => {
  test("chained_is_applied", () => {
    const one = live().change(state(5), state(6), { upserted: [row(3, 6)], destroyed: [uuid(1)] });
    expect(one.shows()).toEqual([uuid(2), uuid(3)]);
    expect(one.state.cursor).toBe(state(6));
  });

  test("behind_is_dropped", () => {
    const one = live().change(state(3), state(4), { destroyed: [uuid(1)] });
    expect(one.shows()).toEqual([uuid(1), uuid(2)]);
    expect(one.asked()).toEqual([]);
  });

  test("ahead_is_held_250_ms_and_then_asked_for", () => {
    const one = live().change(state(6), state(7), { destroyed: [uuid(1)] });
    expect(one.asked()).toEqual(["gap in 250"]);
    expect(one.shows()).toEqual([uuid(1), uuid(2)]);
    expect(one.take({ type: "timer", name: "gap" }).asked()).toEqual([`subscribe ${state(5)}`, "gap in 1000"]);
  });

  test("ahead_is_applied_when_the_gap_closes_in_time", () => {
    const one = live().change(state(6), state(7), { destroyed: [uuid(1)] });
    one.change(state(5), state(6), { destroyed: [uuid(2)] });
    expect(one.shows()).toEqual([]);
    expect(one.take({ type: "timer", name: "gap" }).asked()).toEqual([]);
  });

  test.each([
    ["the cursor's revision with another nonce", state(4), state(5, 99)],
    ["a next revision of another history", state(5, 99), state(6, 98)],
  ])("%s makes the client ask", (_, oldState, newState) => {
    expect(live().change(oldState, newState).asked()).toEqual([`subscribe ${state(5)}`]);
  });

  test("in_chunks_is_applied_whole_or_not_at_all", () => {
    const one = live().change(state(5), state(6), { more: true, destroyed: [uuid(1)] });
    expect(one.shows()).toEqual([uuid(1), uuid(2)]);
    one.change(state(5), state(6), { destroyed: [uuid(2)] });
    expect(one.shows()).toEqual([]);
  });

  test("cut_in_its_middle_leaves_nothing", () => {
    const one = live().change(state(5), state(6), { more: true, destroyed: [uuid(1)] });
    one.take({ type: "closed" }).take({ type: "opened" });
    expect(one.state.part).toBeNull();
    expect(one.asked()).toEqual([`subscribe ${state(5)}`]);
  });

  describe("that is only true together with later ones", () => {
    const until = state(7);
    const moved = { upserted: [row(1, 7, 9)] };

    test("counts_with_the_last_of_them_and_not_before", () => {
      const one = live().change(state(5), state(6), { destroyed: [uuid(2)], until });
      expect([one.shows(), one.state.cursor]).toEqual([[uuid(1), uuid(2)], state(5)]);
      one.change(state(6), state(7), moved);
      expect([one.shows(), one.state.cursor]).toEqual([[uuid(1)], state(7)]);
      expect([...one.state.chain]).toEqual([state(5), state(6), state(7)]);
    });

    test.each([
      ["a cut connection", { type: "closed" }],
      ["a reset", { type: "reset", frame: { type: "reset", calendar: CALENDAR, reason: "bulk", spreadMs: 2000 } }],
      ["rights that end", { type: "withdrawn" }],
    ] as const)("leaves_nothing_after_%s", (_, input) => {
      const one = live()
        .change(state(5), state(6), { destroyed: [uuid(2)], until })
        .take(input);
      expect(one.state.group).toEqual([]);
    });

    const lost: Readonly<Record<string, readonly (readonly [State, State, State?])[]>> = {
      "its first one lost": [
        [state(6), state(7), state(8)],
        [state(7), state(8)],
      ],
      "one in the middle lost": [
        [state(5), state(6), state(8)],
        [state(7), state(8)],
      ],
    };
    test.each(Object.entries(lost))("is_asked_for_again_with_%s", (_, sets) => {
      const one = live();
      for (const [oldState, newState, end] of sets)
        one.change(oldState, newState, { destroyed: [uuid(2)], ...(end === undefined ? {} : { until: end }) });
      expect([one.shows(), one.state.cursor]).toEqual([[uuid(1), uuid(2)], state(5)]);
      expect(one.take({ type: "timer", name: "gap" }).asked()).toEqual([`subscribe ${state(5)}`, "gap in 1000"]);
    });

    test("counts_from_the_cursor_when_its_first_ones_are_known", () => {
      const one = live().change(state(4), state(5), { until }).change(state(5), state(6), { until });
      expect(one.change(state(6), state(7), moved).state.cursor).toBe(state(7));
    });
  });

  test("without_a_cursor_is_dropped", () => {
    expect(subscribing().change(state(0), state(1)).state.cursor).toBeNull();
  });
});

describe("C4: subscribed", () => {
  test("counts_only_for_the_last_id", () => {
    expect(subscribing().subscribed(state(5), ACCESS, 1).state.cursor).toBeNull();
  });

  test("never_moves_a_cursor_and_asks_again_when_it_is_higher", () => {
    const one = live().take({ type: "closed" }).take({ type: "opened" }).subscribed(state(7));
    expect(one.state.cursor).toBe(state(5));
    expect(one.asked()).toEqual([`subscribe ${state(5)}`]);
  });

  test("that_is_never_reached_is_asked_for_with_backoff", () => {
    const one = live().take({ type: "closed" }).take({ type: "opened" }).subscribed(state(7)).subscribed(state(7));
    expect(one.asked()).toEqual(["resubscribe in 500"]);
    expect(one.take({ type: "timer", name: "resubscribe" }).asked()).toEqual([`subscribe ${state(5)}`]);
  });

  test("that_never_comes_is_asked_for_again_after_15_seconds", () => {
    const one = subscribing();
    expect(one.effects).toContainEqual({ type: "startTimer", name: "resubscribe", ms: 15_000 });
    const first = one.lastId();
    expect(one.take({ type: "timer", name: "resubscribe" }).asked()).toEqual(["subscribe null"]);
    expect(one.subscribed(state(5), ACCESS, first).state.cursor).toBeNull();
    expect(one.subscribed(state(5)).effects).toContainEqual({ type: "stopTimer", name: "resubscribe" });
  });

  test("with_another_access_starts_anew_and_shows_nothing_meanwhile", () => {
    const one = live().take({ type: "closed" }).take({ type: "opened" }).subscribed(state(5), "shared.2");
    expect(one.shows()).toEqual([]);
    expect(one.asked()).toEqual(["subscribe null"]);
  });

  test("drops_and_asks_again_what_waited_before_it", () => {
    const one = live().take({ type: "show", viewer: "b", range: days(0, 7) });
    one.feed(state(8), []).take({ type: "timer", name: "gap" });
    expect(one.subscribed(state(5)).asked()).toEqual(["fetch 5"]);
  });

  test.each(["forbidden", "not_found"])("refused_with_%s_drops_the_calendar", (code) => {
    const one = live().take({ type: "closed" }).take({ type: "opened" });
    one.take({ type: "error", frame: { type: "error", id: one.lastId(), code } });
    expect(one.shows()).toEqual([]);
    expect(one.effects).toContainEqual({ type: "gone", reason: code });
  });

  test.each(["unavailable", "too_many"])("refused_for_a_passing_reason_(%s)_is_tried_again", (code) => {
    const one = subscribing();
    one.take({ type: "error", frame: { type: "error", id: one.lastId(), code } });
    expect(one.asked()).toEqual(["resubscribe in 500"]);
    expect(one.take({ type: "timer", name: "resubscribe" }).asked()).toEqual(["subscribe null"]);
  });
});
