/** Tests the rule of optimistic edits (C8): what is shown at once, and when the store takes over. */
import { describe, expect, test } from "vitest";
import { lookUp } from "../../src/core/picture";
import { type Case, live, row } from "../support/case";
import { item, state, uuid } from "../support/items";

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
