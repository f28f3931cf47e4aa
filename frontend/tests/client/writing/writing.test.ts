/** Tests how the client writes and undoes: at which state, under which key, and what it shows in the meantime. */
import { describe, expect, test } from "vitest";
import { CALENDAR, item, state, uuid } from "../../support/items";
import { KEY, listen, liveSite } from "../../support/live-site";

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
    expect(site.client.isUnsaved()).toBe(true);
    await site.lastRequest.respond(200, item(1, state(6)), { "Calendar-State": state(6) });
    expect(await done).toMatchObject({ ok: true, value: { state: state(6) } });
    expect(site.client.isUnsaved()).toBe(false);
  });

  test("client_asks_again_after_10_seconds_without_an_answer_and_says_meanwhile_that_it_is_not_saved", async () => {
    const site = await liveSite();
    const [lost, found] = [listen(site, "writeLost"), listen(site, "writeFound")];
    const done = site.client.deleteItem(KEY, { state: state(4) });
    const first = site.lastRequest;
    await site.pass(9_999);
    expect([lost, site.client.isUnsaved()]).toEqual([[], false]);
    await site.pass(1);
    expect([lost, site.client.isUnsaved()]).toEqual([[{ key: KEY }], true]);
    await site.pass(1000);
    expect(site.lastRequest).not.toBe(first);
    expect(site.lastRequest.headers["Idempotency-Key"]).toBe(first.headers["Idempotency-Key"]);
    await site.lastRequest.respond(200, { id: KEY.id, calendar: KEY.calendar, state: state(6) });
    expect(await done).toMatchObject({ ok: true });
    expect([found, site.client.isUnsaved()]).toEqual([[{}], false]);
    expect(site.client.item(KEY)).toBeUndefined();
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
