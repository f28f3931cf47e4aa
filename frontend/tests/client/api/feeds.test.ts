/** Tests when the client asks for a feed, what it sends with the request, and what it does when a feed fails. */
import { describe, expect, test } from "vitest";
import { FakeSite } from "../../support/fake-site";
import { CALENDAR, days, OTHER, state } from "../../support/items";
import { KEY, listen, liveSite, MONTH } from "../../support/live-site";

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
    await site.pass(1_000); // the answer may describe a moment that has passed, so the client asks over the socket
    const { id, state } = site.sent.at(-1) ?? {};
    expect(state).toBeNull();
    await site.push({ type: "error", id, code: "forbidden", detail: "" });
    expect(gone).toEqual([{ calendar: CALENDAR, reason: "forbidden" }]);
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
