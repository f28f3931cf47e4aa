/** A table for every rule of one calendar: what stands, what comes, what must follow. */
import { describe, expect, test } from "vitest";
import { type CalendarState, type Effect, type Input, newCalendar } from "../../src/core/model";
import { isLoading, lookUp, pictureIds } from "../../src/core/picture";
import { isInRange } from "../../src/core/range";
import { reduce } from "../../src/core/reduce";
import type { ChangesFrame } from "../../src/protocol/frames";
import type { Item } from "../../src/protocol/item";
import type { State } from "../../src/protocol/state";
import { CALENDAR, dayMs, days, item, onDay, state, uuid } from "../support/items";

const MONTH = days(0, 30);
const ACCESS = "full.1";

/** A calendar and the effects of its last input. */
class Case {
  state: CalendarState = newCalendar(CALENDAR, 0);
  effects: readonly Effect[] = [];

  take(input: Input, random = 0.5): this {
    const step = reduce(this.state, input, random);
    this.state = step.state;
    this.effects = step.effects;
    return this;
  }

  /** What was asked of the outside, in short. */
  asked(): string[] {
    return this.effects.flatMap((effect) => {
      if (effect.type === "send")
        return effect.frame.type === "subscribe" ? [`subscribe ${effect.frame.state}`] : [effect.frame.type];
      if (effect.type === "fetch") return [`fetch ${effect.minRevision}`];
      if (effect.type === "startTimer") return [`${effect.name.split(":")[0]} in ${effect.ms}`];
      return effect.type === "abort" ? ["abort"] : [];
    });
  }

  lastId(): number {
    return this.state.sequence * 4096;
  }

  lastAsk(): number {
    return this.state.lastAsk;
  }

  shows(): string[] {
    return pictureIds(this.state).sort();
  }

  subscribed(at: State, access = ACCESS, id = this.lastId()): this {
    return this.take({ type: "subscribed", frame: { type: "subscribed", id, calendar: CALENDAR, state: at, access } });
  }

  feed(at: State, rows: readonly Item[] | null, ask = this.lastAsk(), access = ACCESS): this {
    return this.take({ type: "feed", ask, answer: { state: at, access, etag: `"${at}"`, rows } });
  }

  change(oldState: State, newState: State, parts: Partial<ChangesFrame> = {}): this {
    return this.take({ type: "changes", frame: frame(oldState, newState, parts) });
  }

  reset(reason: "diverged" | "rights" = "diverged", spreadMs = 2000): this {
    return this.take({ type: "reset", frame: { type: "reset", calendar: CALENDAR, reason, spreadMs } });
  }
}

function frame(oldState: State, newState: State, parts: Partial<ChangesFrame>): ChangesFrame {
  const nothing = { more: false, upserted: [], destroyed: [], actor: null, mutationId: null };
  return { type: "changes", calendar: CALENDAR, oldState, newState, ...nothing, ...parts };
}

const row = (number: number, revision: number, day = 3) => item(number, state(revision), onDay(day));

function subscribing(): Case {
  return new Case().take({ type: "show", viewer: "a", range: MONTH }).take({ type: "opened" });
}

/** At cursor 5, with items 1 (revision 4) and 2 (revision 2). */
function live(): Case {
  return subscribing()
    .subscribed(state(5))
    .feed(state(5), [row(1, 4), row(2, 2)]);
}

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

  test("refused_for_a_passing_reason_is_tried_again", () => {
    const one = subscribing();
    one.take({ type: "error", frame: { type: "error", id: one.lastId(), code: "unavailable" } });
    expect(one.asked()).toEqual(["resubscribe in 500"]);
    expect(one.take({ type: "timer", name: "resubscribe" }).asked()).toEqual(["subscribe null"]);
  });
});

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

describe("C8: an answered delete", () => {
  const deleted = () => live().take({ type: "deleteAnswered", id: uuid(1), state: state(6) });

  test("hides_the_item_at_once_and_leaves_the_store_alone", () => {
    const one = deleted();
    expect(one.shows()).toEqual([uuid(2)]);
    expect(one.state.rows.has(uuid(1))).toBe(true);
  });

  test("ends_when_the_chain_contains_its_state", () => {
    const one = deleted().change(state(5), state(6), { destroyed: [uuid(1)] });
    expect(one.state.overlays.size).toBe(0);
    one.change(state(6), state(7), { upserted: [row(1, 7)] });
    expect(one.shows()).toEqual([uuid(1), uuid(2)]);
  });

  test("ends_when_a_subscribe_sent_after_it_completes", () => {
    const one = deleted().take({ type: "closed" }).take({ type: "opened" });
    expect(one.subscribed(state(5)).state.overlays.size).toBe(0);
  });

  test("that_comes_after_its_frame_changes_nothing", () => {
    const one = live().change(state(5), state(6), { destroyed: [uuid(1)] });
    one.change(state(6), state(7), { upserted: [row(1, 7)] });
    expect(one.take({ type: "deleteAnswered", id: uuid(1), state: state(6) }).shows()).toEqual([uuid(1), uuid(2)]);
  });

  test("of_another_history_is_asked_about", () => {
    const one = live().take({ type: "deleteAnswered", id: uuid(1), state: state(3, 99) });
    expect(one.shows()).toEqual([uuid(2)]);
    expect(one.asked()).toEqual([`subscribe ${state(5)}`]);
  });
});

describe("C8: an optimistic edit", () => {
  const patched = (key = "k", title = "New") =>
    ({ type: "mutate", key, id: uuid(1), edit: { type: "patch", changes: { title } }, state: state(4) }) as const;
  const title = (one: Case) => {
    const seen = lookUp(one.state, uuid(1));
    return seen !== undefined && "title" in seen ? seen.title : null;
  };

  test("shows_at_once_and_leaves_the_store_alone", () => {
    const one = live().take(patched());
    expect(title(one)).toBe("New");
    expect(one.state.rows.get(uuid(1))?.item).toMatchObject({ title: "Item 1" });
    expect(one.effects).toContainEqual(expect.objectContaining({ type: "mutate", sendAs: "k", state: state(4) }));
  });

  test("stays_when_answered_until_the_chain_contains_its_state", () => {
    const one = live()
      .take(patched())
      .take({ type: "mutationAnswered", key: "k", state: state(6) });
    expect(title(one)).toBe("New");
    one.change(state(5), state(6), { upserted: [item(1, state(6), { title: "New" })] });
    expect(one.state.overlays.size).toBe(0);
    expect(title(one.change(state(6), state(7), { upserted: [item(1, state(7), { title: "Newer" })] }))).toBe("Newer");
  });

  test("ends_when_a_subscribe_sent_after_its_answer_completes_and_not_before", () => {
    const one = live().take({ type: "closed" }).take({ type: "opened" }).take(patched());
    one.take({ type: "mutationAnswered", key: "k", state: state(6) });
    expect(one.subscribed(state(5)).state.overlays.size).toBe(1);
    one.take({ type: "closed" }).take({ type: "opened" }).subscribed(state(5));
    expect(one.state.overlays.size).toBe(0);
  });

  test("asks_after_a_second_when_the_store_does_not_follow", () => {
    const one = live()
      .take(patched())
      .take({ type: "mutationAnswered", key: "k", state: state(6) });
    expect(one.asked()).toEqual(["gap in 1000"]);
    expect(one.take({ type: "timer", name: "gap" }).asked()).toEqual([`subscribe ${state(5)}`, "gap in 1000"]);
  });

  test("goes_when_it_is_refused_and_with_it_what_was_built_on_it", () => {
    const one = live().take(patched()).take(patched("l", "Newer"));
    expect(one.effects).not.toContainEqual(expect.objectContaining({ type: "mutate" }));
    one.take({ type: "mutationRefused", key: "k" });
    expect(title(one)).toBe("Item 1");
    expect(one.state.overlays.size).toBe(0);
  });

  test("that_is_lost_is_repeated_under_its_key_with_backoff", () => {
    const one = live().take(patched()).take({ type: "mutationLost", key: "k" });
    expect(one.asked()).toEqual(["mutation in 250"]);
    one.take({ type: "timer", name: "mutation:k" });
    expect(one.effects).toContainEqual(expect.objectContaining({ type: "mutate", sendAs: "k" }));
  });

  test("is_still_seen_in_the_picture_of_before_a_reset", () => {
    const one = live()
      .take(patched())
      .take({ type: "mutationAnswered", key: "k", state: state(6) });
    one.reset().take({ type: "timer", name: "reset" }).subscribed(state(6));
    expect(one.state.overlays.size).toBe(0);
    expect(title(one)).toBe("New");
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
