/** Tests what the client does when a connection fails, sleeps, or claims to be open although it is dead. */
import { describe, expect, test } from "vitest";
import { FakeSite } from "../../support/fake-site";
import { CALENDAR, item, state, uuid } from "../../support/items";
import { KEY, listen, liveSite, MONTH } from "../../support/live-site";

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
    site.push({ type: "hello", protocol: 3, heartbeatSeconds: 25 });
    expect(site.client.status()).toBe("refused");
  });

  test("client_goes_on_with_a_server_of_the_version_before", () => {
    const site = new FakeSite();
    site.client.show("test", CALENDAR, MONTH);
    site.push({ type: "hello", protocol: 1, heartbeatSeconds: 25 });
    expect(site.client.status()).toBe("live");
  });
});
