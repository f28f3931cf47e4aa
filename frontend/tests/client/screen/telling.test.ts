/** Tests what the client tells the page and the server. */
import { describe, expect, test } from "vitest";
import { FakeSite } from "../../support/fake-site";
import { CALENDAR, state, uuid } from "../../support/items";
import { KEY, listen, liveSite, MONTH } from "../../support/live-site";

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
