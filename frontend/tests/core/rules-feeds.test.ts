/** Tests the rules of feeds, heads and resets (C5 to C7), and what the screen shows. */
import { describe, expect, test } from "vitest";
import { isLoading } from "../../src/core/picture";
import { live, MONTH, row, subscribing } from "../support/case";
import { days, item, state, uuid } from "../support/items";

describe("C5: a feed", () => {
  const asking = () => live().take({ type: "show", viewer: "b", range: days(0, 7) });

  test("of_an_older_generation_is_ignored", () => {
    const one = asking();
    const ask = one.lastAsk();
    one.reset().take({ type: "timer", name: "reset" }).subscribed(state(9));
    expect(one.feed(state(9), [row(3, 9)], ask).state.rows.size).toBe(0);
  });

  test("with_another_access_is_asked_again", () => {
    expect(
      asking()
        .feed(state(5), [row(3, 5)], undefined, "full.2")
        .asked(),
    ).toEqual(["fetch 5"]);
  });

  test("of_a_state_never_passed_is_asked_again_and_then_with_backoff", () => {
    const one = asking().feed(state(5, 99), [row(3, 5)]);
    expect(one.asked()).toEqual(["fetch 5"]);
    expect(one.feed(state(5, 99), [row(3, 5)]).asked()).toEqual(["retry in 500"]);
  });

  test("ahead_waits_and_is_merged_when_the_cursor_arrives", () => {
    const one = asking().feed(state(6), [row(3, 6)]);
    expect(one.asked()).toEqual(["gap in 250"]);
    expect(one.shows()).toEqual([uuid(1), uuid(2)]);
    one.change(state(5), state(6), { upserted: [row(3, 6)] });
    expect(one.shows()).toEqual([uuid(3)]);
    expect(isLoading(one.state)).toBe(false);
  });

  test("ahead_asks_for_the_gap_and_again_after_a_second", () => {
    const one = asking().feed(state(6), []).take({ type: "timer", name: "gap" });
    expect(one.asked()).toEqual([`subscribe ${state(5)}`, "gap in 1000"]);
  });

  test("row_is_taken_only_above_the_known_revision", () => {
    const one = asking().change(state(5), state(6), { upserted: [item(1, state(6), { title: "New" })] });
    one.feed(state(5), [row(1, 4), row(2, 2)]);
    expect(one.state.rows.get(uuid(1))?.item).toMatchObject({ title: "New" });
  });

  test("hides_the_shown_rows_of_its_range_that_it_lacks", () => {
    const one = asking().take({ type: "show", viewer: "c", range: days(2, 5) });
    one.feed(state(5), [row(1, 4)], one.lastAsk());
    expect(one.shows()).toEqual([uuid(1)]);
  });

  test("that_lacks_a_row_known_to_be_newer_does_not_hide_it", () => {
    const one = asking().change(state(5), state(6), { upserted: [row(3, 6)] });
    expect(one.feed(state(5), [row(1, 4), row(2, 2)]).shows()).toContain(uuid(3));
  });

  test("that_is_unchanged_leaves_the_rows_and_settles_the_range", () => {
    const one = live().take({ type: "show", viewer: "a", range: MONTH, again: true });
    expect(one.effects).toContainEqual(expect.objectContaining({ type: "fetch", etag: `"${state(5)}"` }));
    one.feed(state(5), null);
    expect(one.shows()).toEqual([uuid(1), uuid(2)]);
    expect(isLoading(one.state)).toBe(false);
  });
});

describe("C6: a head", () => {
  test("unlike_the_cursor_makes_the_client_ask_and_never_sets_it", () => {
    const one = live().take({ type: "head", state: state(7) });
    expect(one.asked()).toEqual([`subscribe ${state(5)}`]);
    expect(one.state.cursor).toBe(state(5));
  });

  test.each([
    ["like the cursor", live, state(5)],
    ["without a cursor", subscribing, state(5)],
    ["while a subscribe is pending", () => live().take({ type: "head", state: state(7) }), state(8)],
  ])("%s is ignored", (_, start, head) => {
    expect(start().take({ type: "head", state: head }).asked()).toEqual([]);
  });
});

describe("C7: a reset", () => {
  test("waits_a_random_part_of_its_spread_then_starts_anew", () => {
    const one = live().reset();
    expect(one.asked()).toEqual(["reset in 1000"]);
    one.take({ type: "timer", name: "reset" });
    expect(one.asked()).toEqual(["subscribe null"]);
    expect(one.state).toMatchObject({ generation: 1, cursor: null, access: null });
    expect(one.state.rows.size + one.state.chain.size).toBe(0);
  });

  test("keeps_the_old_picture_until_every_shown_range_is_answered", () => {
    const one = live().take({ type: "show", viewer: "b", range: days(0, 7) });
    one.reset().take({ type: "timer", name: "reset" }).subscribed(state(9));
    expect(one.shows()).toEqual([uuid(1), uuid(2)]);
    one.feed(state(9), [row(2, 8)], one.lastAsk() - 1);
    expect(one.shows()).toEqual([uuid(1), uuid(2)]);
    one.feed(state(9), [row(2, 8)]);
    expect(one.shows()).toEqual([uuid(2)]);
  });

  test("of_rights_takes_the_picture_away_at_once", () => {
    const one = live().reset("rights");
    expect(one.shows()).toEqual([]);
    expect(one.effects).toContainEqual({ type: "notify", ids: [uuid(1), uuid(2)] });
  });

  test("silences_the_calendar_until_it_subscribes", () => {
    const one = live().reset();
    expect(one.change(state(5), state(6), { destroyed: [uuid(1)] }).shows()).toEqual([uuid(1), uuid(2)]);
    expect(one.take({ type: "head", state: state(9) }).asked()).toEqual([]);
  });

  test("need_not_wait_when_the_connection_comes_anew", () => {
    const one = live().reset().take({ type: "closed" }).take({ type: "opened" });
    expect(one.asked()).toEqual(["subscribe null"]);
  });

  test("does_not_bring_back_what_was_deleted_meanwhile", () => {
    const one = live().reset().take({ type: "timer", name: "reset" }).subscribed(state(9));
    one.change(state(9), state(10), { destroyed: [uuid(1)] });
    expect(one.shows()).toEqual([uuid(2)]);
  });
});

describe("screens", () => {
  test("the_last_viewer_leaves_and_nothing_is_kept", () => {
    const one = live().take({ type: "hide", viewer: "a" });
    expect(one.asked()).toEqual(["unsubscribe"]);
    expect(one.state.rows.size).toBe(0);
  });

  test("rights_withdrawn_drops_all_and_stays_silent", () => {
    const one = live().take({ type: "withdrawn" });
    expect(one.shows()).toEqual([]);
    expect(one.take({ type: "opened" }).asked()).toEqual([]);
    expect(one.take({ type: "granted" }).asked()).toEqual(["subscribe null"]);
  });
});
