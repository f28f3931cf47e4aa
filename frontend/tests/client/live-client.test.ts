/** The client's edges: what is sent, how failures are met, and what the page is told. */
import { describe, expect, test } from "vitest";
import type { LiveEvents } from "../../src/client/events";
import { FakeSite } from "../support/fake-site";
import { CALENDAR, days, item, OTHER, onDay, state, uuid } from "../support/items";

const MONTH = days(0, 30);
const KEY = { calendar: CALENDAR, id: uuid(1) };

function listen<Name extends keyof LiveEvents>(site: FakeSite, name: Name): LiveEvents[Name][] {
  const heard: LiveEvents[Name][] = [];
  site.client.on(name, (event) => heard.push(event));
  return heard;
}

/** A client that shows a month with item 1 at revision 5. */
async function liveSite(): Promise<FakeSite> {
  const site = new FakeSite({ userId: "9" });
  site.client.show("test", CALENDAR, MONTH);
  site.hello();
  site.subscribed(state(5));
  await site.feed(state(5), [item(1, state(4), onDay(3))]);
  return site;
}

describe("a client that starts", () => {
  test("client_subscribes_after_hello_and_asks_the_feed_after_subscribed", () => {
    const site = new FakeSite();
    site.client.show("test", CALENDAR, MONTH);
    expect(site.sent).toEqual([]);
    site.hello();
    expect(site.sent).toMatchObject([{ type: "subscribe", calendar: CALENDAR, state: null, access: null }]);
    expect(site.requests).toHaveLength(0);
    site.subscribed(state(5));
    expect(site.lastRequest.url).toBe(
      `/api/calendars/${CALENDAR}/feed/?start=2026-11-01T00%3A00%3A00Z&end=2026-12-01T00%3A00%3A00Z&min_revision=5`,
    );
  });

  test("client_asks_past_the_browsers_cache_when_it_asks_the_feed", async () => {
    const site = await liveSite();
    const { init, headers } = site.lastRequest;
    expect(init).toMatchObject({ method: "GET", cache: "no-store", credentials: "same-origin" });
    expect(headers).toMatchObject({ "Cache-Control": "no-cache", Pragma: "no-cache" });
    expect(headers).not.toHaveProperty("If-None-Match");
    expect(headers).not.toHaveProperty("X-CSRFToken");
  });

  test("client_uses_one_socket_when_many_calendars_are_shown", () => {
    const site = new FakeSite();
    site.client.show("a", CALENDAR, MONTH);
    site.client.show("b", OTHER, MONTH);
    site.hello();
    expect(site.sockets).toBe(1);
    const ids = site.sent.map((frame) => frame.id);
    expect(new Set(ids).size).toBe(2);
  });
});

describe("a client of a public link", () => {
  test("client_asks_by_the_token_alone_and_sends_no_cookie", async () => {
    const site = new FakeSite({ link: "token.x" });
    site.client.show("test", CALENDAR, MONTH);
    site.hello();
    site.subscribed(state(5));
    expect(site.lastRequest.init).toMatchObject({ credentials: "omit" });
    expect(site.lastRequest.headers).toMatchObject({ Authorization: "Link token.x" });
    void site.client.patchItem(KEY, { title: "New" });
    expect(site.lastRequest.headers).not.toHaveProperty("X-CSRFToken");
  });
});

describe("a client that comes back to a range", () => {
  test("client_sends_the_etag_and_keeps_its_rows_when_nothing_has_changed", async () => {
    const site = await liveSite();
    site.client.show("test", CALENDAR, days(30, 60));
    await site.feed(state(5), []);
    site.client.show("test", CALENDAR, MONTH);
    expect(site.lastRequest.headers["If-None-Match"]).toBe(`"${state(5)}/full.1"`);
    await site.lastRequest.respond(304, null, { "Calendar-State": state(5), "Calendar-Access": "full.1" });
    expect(site.client.isLoading(CALENDAR)).toBe(false);
    expect(site.client.item(KEY)?.id).toBe(KEY.id);
  });

  test("client_asks_for_a_whole_answer_when_a_304_has_lost_its_headers", async () => {
    const site = await liveSite();
    site.client.show("test", CALENDAR, MONTH, true);
    await site.lastRequest.respond(304, null);
    expect(site.requests).toHaveLength(3);
    expect(site.lastRequest.headers).not.toHaveProperty("If-None-Match");
  });
});

describe("a feed that fails", () => {
  test.each([500, 502, 503, 429, 408])("client_asks_again_with_backoff_after_%i", async (status) => {
    const site = await liveSite();
    site.client.show("test", CALENDAR, MONTH, true);
    await site.lastRequest.respond(status, { code: "x", detail: "y" });
    expect(site.requests).toHaveLength(2);
    await site.pass(500);
    expect(site.requests).toHaveLength(3);
  });

  test("client_waits_as_long_as_retry_after_says", async () => {
    const site = await liveSite();
    site.client.show("test", CALENDAR, MONTH, true);
    await site.lastRequest.respond(503, { code: "not_yet", detail: "" }, { "Retry-After": "2" });
    await site.pass(1999);
    expect(site.requests).toHaveLength(2);
    await site.pass(1000);
    expect(site.requests).toHaveLength(3);
  });

  test("client_asks_again_when_the_network_fails_or_a_feed_never_answers", async () => {
    const site = await liveSite();
    site.client.show("test", CALENDAR, MONTH, true);
    await site.lastRequest.fail();
    await site.pass(500);
    expect(site.requests).toHaveLength(3);
    await site.pass(32_000);
    expect(site.requests.length).toBeGreaterThan(3);
  });

  test.each([
    [403, "forbidden"],
    [404, "not_found"],
  ])("client_drops_the_calendar_when_its_feed_is_%i", async (status, reason) => {
    const site = await liveSite();
    const gone = listen(site, "calendarGone");
    site.client.show("test", CALENDAR, MONTH, true);
    await site.lastRequest.respond(status, { code: reason, detail: "" });
    expect(site.client.item(KEY)).toBeUndefined();
    await site.pass(1_000); // the answer may be of a moment that is over: the socket is asked
    const { id, state } = site.sent.at(-1) ?? {};
    expect(state).toBeNull();
    await site.push({ type: "error", id, code: "forbidden", detail: "" });
    expect(gone).toEqual([{ calendar: CALENDAR, reason: "forbidden" }]);
  });

  test("client_says_so_and_stops_when_signed_out", async () => {
    const site = await liveSite();
    site.client.show("test", CALENDAR, MONTH, true);
    await site.lastRequest.respond(401, { code: "unauthenticated", detail: "" });
    expect(site.client.status()).toBe("signed-out");
    await site.pass(100_000);
    expect(site.sockets).toBe(1);
  });

  test("client_names_the_fields_and_does_not_retry_when_a_range_is_refused", async () => {
    const site = await liveSite();
    const refused = listen(site, "feedRefused");
    site.client.show("test", CALENDAR, MONTH, true);
    await site.lastRequest.respond(422, { code: "invalid", detail: "Too long.", fields: { end: ["Too long."] } });
    expect(refused).toMatchObject([{ calendar: CALENDAR, error: { status: 422, fields: { end: ["Too long."] } } }]);
    await site.pass(100_000);
    expect(site.requests).toHaveLength(2);
  });
});

describe("a connection that fails", () => {
  test("client_replays_from_its_cursor_without_a_feed_request_when_the_socket_was_cut", async () => {
    const site = await liveSite();
    site.drop();
    expect(site.client.status()).toBe("connecting");
    await site.pass(500);
    site.hello();
    expect(site.sent.at(-1)).toMatchObject({ type: "subscribe", state: state(5), access: "full.1" });
    site.change(state(5), state(6), [], [uuid(1)]);
    site.subscribed(state(6));
    expect(site.client.item(KEY)).toBeUndefined();
    expect(site.requests).toHaveLength(1);
  });

  test.each([
    [4401, "signed-out"],
    [4403, "forbidden"],
    [4400, "refused"],
    [4429, "too-many"],
  ])("client_stops_and_says_so_when_closed_with_%i", async (code, status) => {
    const site = await liveSite();
    site.drop(code);
    expect(site.client.status()).toBe(status);
    site.page("doubt");
    await site.pass(100_000);
    expect(site.sockets).toBe(1);
  });

  test.each([4001, 4008, 4012, 1006])("client_connects_again_when_closed_with_%i", async (code) => {
    const site = await liveSite();
    site.drop(code);
    await site.pass(500);
    expect(site.sockets).toBe(2);
  });

  test("client_is_offline_when_the_second_try_fails_too", async () => {
    const site = await liveSite();
    site.drop();
    await site.pass(500);
    site.drop();
    expect(site.client.status()).toBe("offline");
  });

  test("client_connects_anew_when_no_pong_comes_in_3_seconds", async () => {
    const site = await liveSite();
    site.page("doubt");
    expect(site.sent.at(-1)).toEqual({ type: "ping" });
    await site.pass(2999);
    expect(site.sockets).toBe(1);
    await site.pass(600);
    expect(site.sockets).toBe(2);
  });

  test("client_keeps_its_socket_when_the_pong_comes", async () => {
    const site = await liveSite();
    site.page("doubt");
    site.push({ type: "pong" });
    await site.pass(10_000);
    expect(site.sockets).toBe(1);
  });

  test("client_does_not_trust_timers_after_sleep", async () => {
    const site = await liveSite();
    site.sleep(61_000);
    site.page("doubt");
    await site.pass(500);
    expect(site.sockets).toBe(2);
  });

  test("client_connects_anew_after_60_seconds_of_silence", async () => {
    const site = await liveSite();
    await site.pass(59_000);
    site.push({ type: "head", states: {} });
    await site.pass(59_000);
    expect(site.sockets).toBe(1);
    await site.pass(2_000);
    expect(site.sockets).toBe(2);
  });

  test("client_closes_on_pagehide_and_connects_when_the_page_is_back", async () => {
    const site = await liveSite();
    site.page("pause");
    expect(site.isConnected).toBe(false);
    expect(site.client.status()).toBe("paused");
    site.page("resume");
    site.hello();
    expect(site.sent.at(-1)).toMatchObject({ type: "subscribe", state: state(5) });
  });

  test("client_connects_anew_within_the_spread_when_told_to", async () => {
    const site = await liveSite();
    site.push({ type: "reconnect", spreadMs: 10_000 });
    await site.pass(4_999);
    expect(site.sockets).toBe(1);
    await site.pass(501);
    expect(site.sockets).toBe(2);
  });

  test("client_lives_on_when_a_frame_is_unreadable", async () => {
    const site = await liveSite();
    const faults = listen(site, "fault");
    site.push({ type: "changes", calendar: CALENDAR });
    site.change(state(5), state(6), [item(1, state(6), { title: "New" })]);
    expect(faults).toHaveLength(1);
    expect(site.client.item(KEY)).toMatchObject({ title: "New" });
  });

  test("client_refuses_a_protocol_it_does_not_know", () => {
    const site = new FakeSite();
    site.client.show("test", CALENDAR, MONTH);
    site.push({ type: "hello", protocol: 2, heartbeatSeconds: 25 });
    expect(site.client.status()).toBe("refused");
  });
});

describe("what the page is told", () => {
  test("client_answers_head_with_how_far_it_is", async () => {
    const site = await liveSite();
    site.push({ type: "head", states: { [CALENDAR]: state(6) } });
    expect(site.sent.slice(-2)).toMatchObject([
      { type: "ack", states: { [CALENDAR]: state(5) } },
      { type: "subscribe", state: state(5) },
    ]);
  });

  test("client_drops_all_at_once_when_rights_are_withdrawn", async () => {
    const site = await liveSite();
    const release = site.client.hold(KEY);
    const gone = listen(site, "calendarGone");
    site.push({ type: "rights", calendar: CALENDAR, rights: null });
    expect(gone).toEqual([{ calendar: CALENDAR, reason: "withdrawn" }]);
    expect(site.client.shownItem(KEY)).toBeUndefined();
    release();
  });

  test("client_takes_no_notice_when_a_socket_tells_of_calendars_it_knows", async () => {
    const site = await liveSite();
    const changed = listen(site, "calendarsChanged");
    const info = {
      id: CALENDAR,
      name: "Team",
      color: "#336699",
      timeZone: "UTC",
      role: "owner",
      rights: "full",
      people: [],
    };
    site.push({ type: "calendar", calendar: { ...info, state: state(5) } });
    site.push({ type: "calendar", calendar: { ...info, state: state(6) } });
    expect(changed).toHaveLength(1);
    expect(site.sent.filter((frame) => frame.type === "subscribe")).toHaveLength(1);
    site.push({ type: "calendar", calendar: { ...info, color: "#ffffff" } });
    expect(changed).toHaveLength(2);
  });

  test("client_tells_of_loading_once_per_change", async () => {
    const site = new FakeSite();
    const heard = listen(site, "loading");
    site.client.show("a", CALENDAR, MONTH);
    site.hello();
    site.subscribed(state(5));
    await site.feed(state(5), []);
    expect(heard).toEqual([{ loading: true }, { loading: false }]);
  });

  test("client_holds_an_items_picture_and_tells_what_became_of_it", async () => {
    const site = await liveSite();
    const news = listen(site, "heldItemChanged");
    const release = site.client.hold(KEY);
    site.change(state(5), state(6), [], [uuid(1)]);
    expect(site.client.item(KEY)).toBeUndefined();
    expect(site.client.shownItem(KEY)).toMatchObject({ id: uuid(1) });
    expect(news).toMatchObject([{ key: KEY, change: "deleted", after: null, actor: { name: "Ana" }, own: false }]);
    release();
    expect(site.client.shownItem(KEY)).toBeUndefined();
  });

  test("client_filters_and_toggles_without_a_request", async () => {
    const site = await liveSite();
    site.client.setFilter((one) => !("busy" in one) && one.workType === "meeting");
    expect([...site.client.shownItems(CALENDAR)]).toEqual([]);
    site.client.setFilter(null);
    site.client.setShown(CALENDAR, false);
    expect([...site.client.shownItems(CALENDAR)]).toEqual([]);
    site.client.setShown(CALENDAR, true);
    expect([...site.client.shownItems(CALENDAR)]).toHaveLength(1);
    expect(site.requests).toHaveLength(1);
    expect(site.sockets).toBe(1);
  });

  test("client_keeps_its_socket_when_the_only_calendar_is_taken_off_and_put_on", async () => {
    const site = await liveSite();
    site.client.hide("test", CALENDAR);
    expect(site.sent.at(-1)).toEqual({ type: "unsubscribe", calendar: CALENDAR });
    site.client.show("test", CALENDAR, MONTH);
    await site.pass(11_000);
    expect(site.sockets).toBe(1);
    site.client.hide("test", CALENDAR);
    await site.pass(11_000);
    expect(site.isConnected).toBe(false);
  });
});

describe("writing", () => {
  test("client_patches_with_csrf_if_match_and_an_idempotency_key", async () => {
    const site = await liveSite();
    const done = site.client.patchItem(KEY, { start: "2026-11-24" }, { state: state(4) });
    const { url, init, headers } = site.lastRequest;
    expect(url).toBe(`/api/calendars/${CALENDAR}/items/${uuid(1)}/`);
    expect(init).toMatchObject({ method: "PATCH", body: '{"start":"2026-11-24"}' });
    expect(headers).toMatchObject({ "X-CSRFToken": "c-token", "If-Match": `"${state(4)}"` });
    expect(headers["Idempotency-Key"]).toMatch(/^[0-9a-f-]{36}$/);
    await site.lastRequest.respond(200, item(1, state(6)), { "Calendar-State": state(6) });
    expect(await done).toMatchObject({ ok: true, value: { state: state(6) } });
    expect(site.client.item(KEY)?.state).toBe(state(4)); // C2: answers to mutations never enter the store
  });

  test("client_hands_on_the_current_item_when_a_patch_is_stale", async () => {
    const site = await liveSite();
    const done = site.client.patchItem(KEY, {}, { state: state(3) });
    await site.lastRequest.respond(412, { code: "stale", detail: "Changed.", current: item(1, state(4)) });
    expect(await done).toMatchObject({
      ok: false,
      error: { status: 412, code: "stale", current: { state: state(4) } },
    });
  });

  test("client_hides_an_item_at_once_when_its_delete_is_answered", async () => {
    const site = await liveSite();
    const done = site.client.deleteItem(KEY, { state: state(4), children: "delete" });
    expect(site.lastRequest.url).toMatch(/\?children=delete$/);
    await site.lastRequest.respond(200, { ...KEY, state: state(6) });
    expect(await done).toMatchObject({ ok: true });
    expect(site.client.item(KEY)).toBeUndefined();
    site.change(state(5), state(6), [], [uuid(1)]);
    expect(site.client.item(KEY)).toBeUndefined();
  });

  test("client_repeats_a_lost_write_under_the_same_key_and_shows_it_meanwhile", async () => {
    const site = await liveSite();
    const lost = listen(site, "writeLost");
    const done = site.client.patchItem(KEY, { title: "New" }, { state: state(4) });
    expect(site.client.item(KEY)).toMatchObject({ title: "New", state: state(4) });
    const first = site.lastRequest;
    await first.fail();
    expect(lost).toEqual([{ key: KEY }]);
    await site.pass(500);
    await site.lastRequest.respond(503, { code: "x", detail: "y" });
    await site.pass(1000);
    expect(site.requests).toHaveLength(4);
    expect(site.lastRequest.headers["Idempotency-Key"]).toBe(first.headers["Idempotency-Key"]);
    expect(site.client.item(KEY)).toMatchObject({ title: "New" });
    expect(site.client.isWriting()).toBe(true);
    await site.lastRequest.respond(200, item(1, state(6)), { "Calendar-State": state(6) });
    expect(await done).toMatchObject({ ok: true, value: { state: state(6) } });
    expect(site.client.isWriting()).toBe(false);
  });

  test("client_sends_the_second_edit_of_an_item_after_the_first_is_answered_and_from_its_state", async () => {
    const site = await liveSite();
    const first = site.client.patchItem(KEY, { title: "One" }, { state: state(4) });
    const second = site.client.patchItem(KEY, { title: "Two" }, { state: state(4) });
    expect(site.requests).toHaveLength(2);
    expect(site.client.item(KEY)).toMatchObject({ title: "Two" });
    await site.lastRequest.respond(200, item(1, state(6)), { "Calendar-State": state(6) });
    expect(await first).toMatchObject({ ok: true });
    expect(site.lastRequest.headers["If-Match"]).toBe(`"${state(6)}"`);
    await site.lastRequest.respond(200, item(1, state(7)), { "Calendar-State": state(7) });
    expect(await second).toMatchObject({ ok: true });
  });

  test("client_takes_a_refused_edit_back_and_what_was_built_on_it", async () => {
    const site = await liveSite();
    const first = site.client.patchItem(KEY, { title: "One" }, { state: state(3) });
    const second = site.client.deleteItem(KEY, { state: state(3) });
    expect(site.client.item(KEY)).toBeUndefined();
    await site.lastRequest.respond(412, { code: "stale", detail: "Changed.", current: item(1, state(4)) });
    expect(await first).toMatchObject({ ok: false, error: { code: "stale" } });
    expect(await second).toMatchObject({ ok: false, error: { code: "stale" } });
    expect(site.client.item(KEY)).toMatchObject({ title: "Item 1" });
  });

  test("client_undoes_own_changes_in_a_row_each_from_the_state_the_last_undo_made", async () => {
    const site = await liveSite();
    const { calendar, id } = KEY;
    const patch = (changes: object, at: number, was: number) =>
      ({ type: "edit", calendar, edits: [{ id, changes, state: state(at), was: state(was) }] }) as const;
    const newest = site.client.undo([patch({ title: "One" }, 7, 6)]);
    expect(site.lastRequest.headers["If-Match"]).toBe(`"${state(7)}"`);
    await site.lastRequest.respond(200, item(1, state(8)), { "Calendar-State": state(8) });
    expect(await newest).toEqual({ done: 1, refused: [] });
    const older = site.client.undo([patch({ title: "Item 1" }, 6, 4)]);
    expect(site.lastRequest.headers["If-Match"]).toBe(`"${state(8)}"`);
    await site.lastRequest.respond(412, { code: "stale", detail: "Changed." });
    expect(await older).toMatchObject({ done: 0, refused: [{ code: "stale" }] });
  });

  test("client_undoes_an_edit_of_many_as_one_call_that_names_their_states", async () => {
    const site = await liveSite();
    const edit = (at: number) => ({ id: uuid(at), changes: { title: `Item ${at}` }, state: state(7), was: state(4) });
    const done = site.client.undo([{ type: "edit", calendar: CALENDAR, edits: [edit(1), edit(2)] }]);
    expect(site.lastRequest.url).toBe(`/api/calendars/${CALENDAR}/items/edit/`);
    expect(JSON.parse(site.lastRequest.init.body as string)).toEqual({
      changes: { [uuid(1)]: { title: "Item 1" }, [uuid(2)]: { title: "Item 2" } },
      states: { [uuid(1)]: state(7), [uuid(2)]: state(7) },
    });
    await site.lastRequest.respond(200, { state: state(8) }, { "Calendar-State": state(8) });
    expect(await done).toEqual({ done: 1, refused: [] });
    const again = site.client.undo([{ type: "delete", calendar: CALENDAR, ids: [uuid(1), uuid(2)], state: state(4) }]);
    expect(site.lastRequest.url).toBe(`/api/calendars/${CALENDAR}/items/delete/`);
    expect(JSON.parse(site.lastRequest.init.body as string)).toEqual({
      ids: [uuid(1), uuid(2)],
      states: { [uuid(1)]: state(8), [uuid(2)]: state(8) },
    });
    await site.lastRequest.respond(412, { code: "stale", detail: "Changed." });
    expect(await again).toMatchObject({ done: 0, refused: [{ code: "stale" }] });
  });

  test("client_restores_what_was_deleted_by_the_state_of_that_deletion", async () => {
    const site = await liveSite();
    const ids = [uuid(1), uuid(2)];
    const done = site.client.undo([
      { type: "restore", calendar: CALENDAR, ids, state: state(6), was: new Map([[uuid(1), state(4)]]) },
    ]);
    expect(site.lastRequest.url).toBe(`/api/calendars/${CALENDAR}/items/restore/`);
    expect(site.lastRequest.init.body).toBe(JSON.stringify({ ids, state: state(6) }));
    const key = site.lastRequest.headers["Idempotency-Key"];
    await site.lastRequest.fail();
    await site.pass(500);
    expect(site.lastRequest.headers["Idempotency-Key"]).toBe(key);
    expect(site.client.isUndo(key ?? null)).toBe(true);
    await site.lastRequest.respond(200, { ids, calendar: CALENDAR, state: state(7) }, { "Calendar-State": state(7) });
    expect(await done).toEqual({ done: 1, refused: [] });
  });

  test("client_tells_what_a_change_found_and_what_it_left", async () => {
    const site = await liveSite();
    const heard = listen(site, "changed");
    site.change(state(5), state(6), [item(1, state(6), { title: "New" }), item(2, state(6))]);
    expect(heard).toMatchObject([{ state: state(6), before: [{ title: "Item 1" }], after: [{ title: "New" }, {}] }]);
  });

  test("client_knows_its_own_changes_by_their_mutation_id", async () => {
    const site = await liveSite();
    const changed = listen(site, "changed");
    const mutationId = site.client.newMutationId();
    site.push({
      type: "changes",
      calendar: CALENDAR,
      oldState: state(5),
      newState: state(6),
      more: false,
      upserted: [],
      destroyed: [uuid(1)],
      actor: null,
      mutationId,
    });
    expect(changed).toMatchObject([{ own: true, destroyed: [uuid(1)] }]);
  });
});
