/** Tests what the client does with an item that it cannot read (C3, C5). */
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { FakeSite } from "../../support/fake-site";
import { CALENDAR, item, OTHER, onDay, state, uuid } from "../../support/items";
import { KEY, listen, liveSite, MONTH } from "../../support/live-site";

let warned: MockInstance<typeof console.warn>;

beforeEach(() => {
  warned = vi.spyOn(console, "warn").mockImplementation(() => {});
});

afterEach(() => {
  warned.mockRestore();
});

const good = (number: number, revision = 4) => item(number, state(revision), onDay(number));
const shown = (site: FakeSite) => [...site.client.shownItems(CALENDAR)].map(({ id }) => id).sort();

/** Values that cannot be read. Each stands for a row of a feed, or for an upserted item of a frame. */
const BAD: readonly (readonly [string, (number: number, revision: number) => unknown])[] = [
  ["a start that is no instant", (n, r) => ({ ...good(n, r), start: "2026-11-23T09:00:00+00:00" })],
  ["no end", (n, r) => ({ ...good(n, r), end: undefined })],
  ["another calendar", (n, r) => ({ ...good(n, r), calendar: OTHER })],
  ["an id and nothing else", (n) => ({ id: uuid(n) })],
  ["a list", () => []],
  ["null", () => null],
  ["a number for an id", (n, r) => ({ ...good(n, r), id: 7 })],
];

describe("a feed with a row that cannot be read", () => {
  test.each(BAD)("client_shows_the_other_rows_and_says_so_of_%s", async (_, bad) => {
    const site = new FakeSite();
    const told = listen(site, "unreadable");
    site.client.show("test", CALENDAR, MONTH);
    site.hello();
    site.subscribed(state(5));
    await site.lastRequest.respond(200, [good(1), bad(2, 4), good(3)], {
      "Calendar-State": state(5),
      "Calendar-Access": "full.1",
    });
    expect(shown(site)).toEqual([uuid(1), uuid(3)]);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ calendar: CALENDAR });
    expect(warned).toHaveBeenCalledTimes(1);
    expect(warned.mock.calls[0]?.[0]).toContain(CALENDAR);
    expect(site.client.isLoading(CALENDAR)).toBe(false);
    await site.pass(100_000);
    expect(site.requests).toHaveLength(1); // the client does not ask again, because the next answer would be the same
  });

  test("client_hides_a_row_it_knew_and_says_so_once_however_often_the_feed_is_asked", async () => {
    const site = await liveSite();
    const told = listen(site, "unreadable");
    for (let time = 0; time < 2; time += 1) {
      site.client.show("test", CALENDAR, MONTH, true);
      await site.lastRequest.respond(200, [{ ...good(1), title: 7 }, good(2)], {
        "Calendar-State": state(5),
        "Calendar-Access": "full.1",
      });
    }
    expect(shown(site)).toEqual([uuid(2)]);
    expect(told).toEqual([{ calendar: CALENDAR, ids: [uuid(1)] }]);
  });
});

describe("a frame with an item that cannot be read", () => {
  const push = (site: FakeSite, revision: number, upserted: readonly unknown[], destroyed: readonly unknown[] = []) =>
    site.push({
      ...{ type: "changes", calendar: CALENDAR, oldState: state(revision - 1), newState: state(revision), more: false },
      ...{ upserted, destroyed, actor: { id: "1", name: "Ana" }, mutationId: null },
    });

  test.each(BAD)("client_takes_the_others_and_the_revision_and_says_so_of_%s", async (_, bad) => {
    const site = await liveSite();
    const told = listen(site, "unreadable");
    push(site, 6, [good(2, 6), bad(3, 6), good(4, 6)]);
    push(site, 7, [good(5, 7)]);
    expect(shown(site)).toEqual([uuid(1), uuid(2), uuid(4), uuid(5)]);
    expect(told).toHaveLength(1);
    await site.pass(10_000);
    expect(site.sent.filter((frame) => frame.type === "subscribe")).toHaveLength(1);
    expect(site.requests).toHaveLength(1);
  });

  test("client_takes_the_item_off_the_screen_and_tells_nobody_that_it_was_deleted", async () => {
    const site = await liveSite();
    const changed = listen(site, "changed");
    const held = listen(site, "heldItemChanged");
    const release = site.client.hold(KEY);
    push(site, 6, [{ ...good(1, 6), start: null }]);
    release();
    expect(shown(site)).toEqual([]);
    expect(changed).toMatchObject([{ before: [], after: [], upserted: [], destroyed: [] }]);
    expect(held).toEqual([]);
  });

  test("client_shows_no_older_row_of_it_from_a_feed_that_was_under_way", async () => {
    const site = await liveSite();
    site.client.show("test", CALENDAR, MONTH, true);
    push(site, 6, [{ ...good(1, 6), start: null }]);
    await site.feed(state(5), [good(1)]);
    expect(shown(site)).toEqual([]);
  });

  test("client_shows_it_again_when_it_was_put_right_and_says_so_when_it_is_spoilt_again", async () => {
    const site = await liveSite();
    const told = listen(site, "unreadable");
    push(site, 6, [{ ...good(1, 6), start: null }]);
    push(site, 7, [good(1, 7)]);
    expect(shown(site)).toEqual([uuid(1)]);
    push(site, 8, [{ ...good(1, 8), start: null }]);
    expect(told).toHaveLength(2);
  });

  test("client_takes_a_set_in_chunks_whole_also_when_one_of_them_has_a_bad_item", async () => {
    const site = await liveSite();
    const [oldState, newState] = [state(5), state(6)];
    const frame = { type: "changes", calendar: CALENDAR, oldState, newState, actor: null, mutationId: null };
    site.push({ ...frame, more: true, upserted: [{ ...good(1, 6), end: 1 }], destroyed: [] });
    expect(shown(site)).toEqual([uuid(1)]);
    const changed = listen(site, "changed");
    site.push({ ...frame, more: false, upserted: [good(2, 6)], destroyed: [] });
    expect(shown(site)).toEqual([uuid(2)]);
    expect(changed).toMatchObject([{ upserted: [uuid(2)], destroyed: [] }]);
  });

  test("client_takes_the_others_when_a_destroyed_id_is_none", async () => {
    const site = await liveSite();
    const told = listen(site, "unreadable");
    push(site, 6, [], [7, uuid(1)]);
    expect(shown(site)).toEqual([]);
    expect(told).toEqual([{ calendar: CALENDAR, ids: [] }]);
  });
});
