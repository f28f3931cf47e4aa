/** Tests the long-poll: what it asks, what it hands out, and that the client does not notice the difference. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { SubscribeFrame } from "../../src/protocol/frames";
import { longPollTransport, type Turn } from "../../src/transport/longpoll";
import { FakeSite, settle } from "../support/fake-site";
import { CALENDAR, days, item, OTHER, onDay, state, uuid } from "../support/items";

interface Exchange {
  readonly request: Turn;
  readonly answer: { readonly frames: readonly { readonly type: string }[] };
}

const EXCHANGES = JSON.parse(
  readFileSync(new URL("../../../tests/contract/exchanges.json", import.meta.url), "utf8"),
) as readonly Exchange[];

interface Asked {
  readonly turn: Turn;
  readonly signal: AbortSignal;
  answer(json: unknown, status?: number): Promise<void>;
}

/** Open a link whose turns the test answers by hand. */
function openLink() {
  const asked: Asked[] = [];
  const heard: Record<string, unknown>[] = [];
  const ended: number[] = [];
  const pauses: { run: () => void; ms: number }[] = [];
  let now = 0;
  const transport = longPollTransport({
    ask: (turn, signal) =>
      new Promise((resolve) => {
        const answer = async (json: unknown, status = 200) => {
          now += 2_000;
          resolve({ status, json });
          await settle();
        };
        asked.push({ turn, signal, answer });
      }),
    now: () => now,
    wait: (run, ms) => pauses.push({ run, ms }),
  });
  const link = transport.open({
    opened: () => {},
    received: (text) => heard.push(JSON.parse(text)),
    closed: (code) => ended.push(code),
  });
  const last = () => asked.at(-1) as Asked;
  return { link, asked, heard, ended, pauses, last, hurry: (ms: number) => (now -= ms) };
}

function subscribe(calendar = CALENDAR, id = 1, at: string | null = null): SubscribeFrame {
  return { type: "subscribe", id, calendar, state: at as SubscribeFrame["state"], access: at && "full.7" };
}

const subscribed = (calendar: string, id: number, at: string, access = "full.7") => ({
  type: "subscribed",
  id,
  calendar,
  state: at,
  access,
});

describe("a conversation in turns", () => {
  test("client_says_and_hears_the_exchanges_of_the_contract", async () => {
    const [first, later] = EXCHANGES as [Exchange, Exchange];
    const { link, heard, last } = openLink();
    for (const frame of first.request.frames) link.send(JSON.stringify(frame));
    await settle();
    expect(last().turn).toEqual(first.request);
    await last().answer(first.answer);
    expect(heard).toEqual([...first.answer.frames, { type: "pong" }]);
    expect(last().turn.known).toEqual(later.request.known);
    expect(last().turn.wait).toBe(later.request.wait);
    heard.length = 0;
    await last().answer(later.answer);
    const [changes] = later.answer.frames;
    expect(heard).toEqual([changes, { type: "head", states: { [CALENDAR]: state(42, 0xbb) } }, { type: "pong" }]);
  });

  test("client_asks_once_for_all_calendars_and_then_waits_from_where_it_was_left", async () => {
    const { link, asked, last } = openLink();
    link.send(JSON.stringify(subscribe(CALENDAR, 1)));
    link.send(JSON.stringify(subscribe(OTHER, 2)));
    await settle();
    expect(asked).toHaveLength(2); // the greeting, which was aborted for the calendars
    expect(asked[0]?.signal.aborted).toBe(true);
    await last().answer({ known: {}, frames: [subscribed(CALENDAR, 1, state(5)), subscribed(OTHER, 2, state(7))] });
    expect(last().turn.wait).toBe(25);
    expect(last().turn.frames.map((frame) => frame.state)).toEqual([state(5), state(7)]);
    const change = { type: "changes", calendar: OTHER, oldState: state(7), newState: state(8), more: false };
    await last().answer({
      known: {},
      frames: [{ ...change, upserted: [], destroyed: [], actor: null, mutationId: null }],
    });
    expect(last().turn.frames.map((frame) => frame.state)).toEqual([state(5), state(8)]);
  });

  test("client_breaks_its_wait_off_when_it_asks_for_a_gap_or_for_a_sign_of_life", async () => {
    const { link, last, heard } = openLink();
    link.send(JSON.stringify(subscribe()));
    await settle();
    await last().answer({ known: {}, frames: [subscribed(CALENDAR, 1, state(5))] });
    const waiting = last();
    link.send(JSON.stringify(subscribe(CALENDAR, 2, state(4))));
    await settle();
    expect(waiting.signal.aborted).toBe(true);
    expect(last().turn).toMatchObject({ wait: 0, frames: [{ id: 2, state: state(4) }] });
    await waiting.answer({ known: {}, frames: [subscribed(CALENDAR, 1, state(9))] });
    expect(heard.at(-1)).toEqual({ type: "pong" });
    await last().answer({ known: {}, frames: [subscribed(CALENDAR, 2, state(5))] });
    link.send('{"type":"ping"}');
    await settle();
    expect(last().turn.wait).toBe(0);
  });

  test.each([
    [{ type: "reset", calendar: CALENDAR, reason: "pruned", spreadMs: 1 }],
    [{ type: "rights", calendar: CALENDAR, rights: null }],
    [{ type: "error", id: 1, code: "forbidden", detail: "" }],
  ])("client_leaves_a_calendar_silent_after_%j_until_it_is_subscribed_again", async (frame) => {
    const { link, last } = openLink();
    link.send(JSON.stringify(subscribe()));
    await settle();
    await last().answer({ known: {}, frames: [frame] });
    expect(last().turn).toMatchObject({ wait: 25, frames: [] });
  });

  test("client_does_not_take_a_change_that_does_not_chain_for_where_it_stands", async () => {
    const { link, last } = openLink();
    link.send(JSON.stringify(subscribe(CALENDAR, 1, state(5))));
    await settle();
    const change = { type: "changes", calendar: CALENDAR, oldState: state(7), newState: state(8), more: false };
    const frames = [
      subscribed(CALENDAR, 1, state(5)),
      { ...change, upserted: [], destroyed: [], actor: null, mutationId: null },
    ];
    await last().answer({ known: {}, frames });
    expect(last().turn.frames).toMatchObject([{ state: state(5) }]);
  });

  test("client_pauses_when_the_server_cannot_wait", async () => {
    const { link, asked, last, pauses, hurry } = openLink();
    link.send(JSON.stringify(subscribe()));
    await settle();
    await last().answer({ known: {}, frames: [subscribed(CALENDAR, 1, state(5))] });
    hurry(2_000);
    const count = asked.length;
    await last().answer({ known: {}, frames: [subscribed(CALENDAR, 1, state(5))] });
    expect([asked.length, pauses[0]?.ms]).toEqual([count, 2_000]);
    pauses[0]?.run();
    expect(asked).toHaveLength(count + 1);
  });

  test("client_asks_no_more_than_five_times_a_second_when_changes_come_thick_and_fast", async () => {
    const { link, asked, last, pauses, hurry } = openLink();
    link.send(JSON.stringify(subscribe(CALENDAR, 1, state(5))));
    await settle();
    await last().answer({ known: {}, frames: [subscribed(CALENDAR, 1, state(5))] });
    hurry(1_970);
    const count = asked.length;
    const change = { type: "changes", calendar: CALENDAR, oldState: state(5), newState: state(6), more: false };
    const frames = [{ ...change, upserted: [], destroyed: [], actor: null, mutationId: null }];
    await last().answer({ known: {}, frames });
    expect([asked.length, pauses[0]?.ms]).toEqual([count, 170]);
    link.send(JSON.stringify(subscribe(OTHER, 2)));
    await settle();
    expect(asked).toHaveLength(count + 1); // a request of the client's own does not wait
    pauses[0]?.run();
    expect(asked).toHaveLength(count + 1);
  });

  test("client_pauses_when_each_answer_holds_what_it_cannot_read", async () => {
    const { last, pauses, hurry } = openLink();
    await last().answer({ known: {}, frames: [] });
    hurry(2_000);
    await last().answer({ known: {}, frames: [{ type: "horoscope" }] });
    expect(pauses[0]?.ms).toBe(2_000);
  });

  test.each([
    [401, 4401],
    [403, 4403],
    [429, 4429],
    [400, 4400],
    [422, 4400],
    [0, 1006],
    [500, 1006],
    [502, 1006],
  ])("client_takes_a_turn_that_fails_with_%i_for_the_close_code_%i", async (status, code) => {
    const { last, ended, asked } = openLink();
    await last().answer(null, status);
    expect(ended).toEqual([code]);
    expect(asked).toHaveLength(1);
  });

  test("client_gives_up_a_server_that_leaves_its_subscribes_unanswered", async () => {
    const { link, last, ended } = openLink();
    link.send(JSON.stringify(subscribe()));
    await settle();
    await last().answer({ known: {}, frames: [] });
    expect(ended).toEqual([1006]);
  });

  test("client_hears_nothing_after_it_has_closed", async () => {
    const { link, last, heard, ended } = openLink();
    const { answer, signal } = last();
    link.close();
    await answer({ known: {}, frames: [{ type: "hello", protocol: 2, heartbeatSeconds: 25 }] });
    expect([signal.aborted, heard, ended]).toEqual([true, [], []]);
  });
});

/** Return the site of a client whose sockets are refused, and that shows a month with item 1 at revision 5. */
async function siteOnRequests(): Promise<FakeSite> {
  const site = new FakeSite({ userId: "9" });
  site.client.show("test", CALENDAR, days(0, 30));
  site.drop();
  await site.pass(500);
  site.drop();
  await site.pass(0);
  await site.answerPoll([HELLO]);
  await answerSubscribe(site, state(5));
  await site.feed(state(5), [item(1, state(4), onDay(3))]);
  await site.pass(200);
  return site;
}

const HELLO = { type: "hello", protocol: 2, heartbeatSeconds: 25 };

function answerSubscribe(site: FakeSite, at: string, before: readonly object[] = []): Promise<void> {
  const id = site.lastPoll.frames[0]?.["id"];
  return site.answerPoll([...before, subscribed(CALENDAR, Number(id), at, "full.1")]);
}

function removal(from: number): object {
  const gone = { upserted: [], destroyed: [uuid(1)], actor: null, mutationId: null, more: false };
  return { type: "changes", calendar: CALENDAR, oldState: state(from), newState: state(from + 1), ...gone };
}

describe("a page whose WebSockets are refused", () => {
  test("client_lives_on_requests_and_returns_to_a_socket_without_asking_a_feed", async () => {
    const site = await siteOnRequests();
    expect([site.client.status(), site.client.way()]).toEqual(["live", "requests"]);
    expect(site.lastPoll).toMatchObject({ wait: 25, frames: [{ state: state(5), access: "full.1" }] });
    await site.answerPoll([removal(5)]);
    expect(site.client.item({ calendar: CALENDAR, id: uuid(1) })).toBeUndefined();
    const sockets = site.sockets;
    await site.pass(4_000);
    expect(site.sockets).toBe(sockets + 1);
    site.hello();
    expect(site.sent.at(-1)).toMatchObject({ type: "subscribe", state: state(6), access: "full.1" });
    site.subscribed(state(6));
    expect(site.polls.at(-1)?.init.signal?.aborted).toBe(true);
    expect([site.client.status(), site.client.way()]).toEqual(["live", "socket"]);
    expect(site.requests).toHaveLength(1);
  });

  test("client_asks_nothing_while_nobody_sees_it_and_catches_up_when_somebody_does", async () => {
    const site = await siteOnRequests();
    site.setHidden(true);
    expect(site.polls.at(-1)?.init.signal?.aborted).toBe(true);
    const asked = [site.polls.length, site.sockets];
    await site.pass(600_000);
    expect([site.polls.length, site.sockets]).toEqual(asked);
    site.setHidden(false);
    await settle();
    expect(site.lastPoll).toMatchObject({ wait: 0, known: null });
    await site.answerPoll([HELLO]);
    await answerSubscribe(site, state(6), [removal(5)]);
    expect(site.client.item({ calendar: CALENDAR, id: uuid(1) })).toBeUndefined();
    expect(site.client.status()).toBe("live");
    expect(site.requests).toHaveLength(1);
  });

  test.each([
    [403, "forbidden"],
    [429, "too-many"],
    [400, "refused"],
  ])("client_stops_and_says_so_when_the_server_answers_%i", async (status, says) => {
    const site = await siteOnRequests();
    await site.polls.at(-1)?.respond(status, { code: "x", detail: "y" });
    expect(site.client.status()).toBe(says);
    const asked = [site.polls.length, site.sockets];
    site.page("doubt");
    await site.pass(600_000);
    expect([site.polls.length, site.sockets]).toEqual(asked);
  });

  test("client_asks_whether_its_user_is_signed_in_when_the_server_answers_401", async () => {
    const site = await siteOnRequests();
    const unauthenticated = { code: "signed_out", detail: "" };
    await site.polls.at(-1)?.respond(401, unauthenticated);
    expect(site.client.status()).toBe("connecting");
    await site.pass(1_000);
    expect(site.lastPoll).toMatchObject({ wait: 0, known: null });
    expect(site.polls.at(-1)?.headers).toMatchObject({ "Calendar-User": "9" });
    await site.polls.at(-1)?.respond(401, unauthenticated);
    expect(site.client.status()).toBe("signed-out");
    const asked = [site.polls.length, site.sockets];
    await site.pass(600_000);
    expect([site.polls.length, site.sockets]).toEqual(asked);
    site.page("doubt");
    await settle();
    await site.answerPoll([HELLO]);
    expect([site.client.status(), site.client.way()]).toEqual(["live", "requests"]);
  });

  test.each([403, 404, 429, 502])(
    "client_goes_on_when_a_proxy_answers_%i_for_a_server_that_is_away",
    async (status) => {
      const site = await siteOnRequests();
      await site.polls.at(-1)?.respond(status, "The page of some proxy.");
      expect(site.client.status()).toBe("connecting");
      await site.pass(1_000);
      site.hello();
      expect([site.client.status(), site.client.way()]).toEqual(["live", "socket"]);
    },
  );

  test("client_asks_with_what_it_knew_when_an_answer_was_lost_to_a_question_of_its_own", async () => {
    const site = await siteOnRequests();
    const broken = site.polls.at(-1);
    site.page("doubt"); // a ping, which aborts the request that waits
    await settle();
    await broken?.respond(200, { known: { other: "1" }, frames: [removal(5)] });
    expect(site.lastPoll).toMatchObject({ wait: 0, known: {}, frames: [{ state: state(5) }] });
    await answerSubscribe(site, state(6), [removal(5)]);
    expect(site.client.item({ calendar: CALENDAR, id: uuid(1) })).toBeUndefined();
    await site.pass(3_000);
    expect(site.client.way()).toBe("requests");
  });

  test("client_connects_anew_when_a_request_is_silent_for_a_minute_or_a_ping_for_three_seconds", async () => {
    const site = await siteOnRequests();
    await site.pass(59_000);
    expect(site.client.status()).toBe("live");
    await site.pass(2_000);
    expect(site.client.status()).not.toBe("live");
    const other = await siteOnRequests();
    other.page("doubt");
    await other.pass(3_000);
    expect(other.client.status()).not.toBe("live");
  });
});
