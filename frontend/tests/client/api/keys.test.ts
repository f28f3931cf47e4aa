/**
 * Tests which Idempotency-Key a request gets that changes something other than an item, even after its answer was lost.
 */
import { expect, test } from "vitest";
import { FakeSite } from "../../support/fake-site";
import { CALENDAR } from "../../support/items";

const key = (site: FakeSite) => site.lastRequest.headers["Idempotency-Key"];

test("what_only_reads_has_no_key_and_whatever_changes_something_has_one", () => {
  const site = new FakeSite();
  const { client } = site;
  const { sharing } = client;
  void sharing.members(CALENDAR);
  expect(key(site)).toBeUndefined();
  const changes: (() => unknown)[] = [
    () => client.saveCalendar(null, { name: "New" }),
    () => client.saveCalendar(CALENDAR, { name: "New" }),
    () => client.deleteCalendar(CALENDAR),
    () => sharing.add(CALENDAR, "ben", "editor"),
    () => sharing.setRole(CALENDAR, "2", "viewer"),
    () => sharing.remove(CALENDAR, "2"),
    () => sharing.leave(CALENDAR),
    () => sharing.transfer(CALENDAR, "2"),
    () => sharing.sendAgain(CALENDAR, "3"),
    () => sharing.withdraw(CALENDAR, "3"),
    () => sharing.saveLink(CALENDAR, null, { name: "Website" }),
    () => sharing.saveLink(CALENDAR, "4", { name: "Website" }),
    () => sharing.withdrawLink(CALENDAR, "4"),
    () => sharing.restoreCalendar(CALENDAR),
  ];
  const keys = changes.map((change) => {
    change();
    return key(site);
  });
  expect(keys).not.toContain(undefined);
  expect(new Set(keys).size).toBe(changes.length);
});

test("what_is_asked_again_after_its_answer_was_lost_has_the_key_of_before", async () => {
  const site = new FakeSite();
  const ask = () => void site.client.saveCalendar(null, { name: "New" });
  ask();
  const first = key(site);
  await site.lastRequest.fail();
  ask();
  expect(key(site)).toBe(first);
  await site.lastRequest.respond(503, { code: "unavailable", detail: "" });
  ask();
  expect(key(site)).toBe(first);
  await site.lastRequest.respond(201, {});
  ask();
  expect(key(site)).not.toBe(first);
});

test("what_is_asked_again_long_after_its_answer_was_lost_is_meant_anew", async () => {
  const site = new FakeSite();
  const ask = () => void site.client.sharing.remove(CALENDAR, "2");
  ask();
  const first = key(site);
  await site.lastRequest.fail();
  await site.pass(60_000);
  ask(); // somebody may have added the member again in the meantime
  expect(key(site)).not.toBe(first);
});

test("what_was_refused_is_another_request_the_next_time", async () => {
  const site = new FakeSite();
  const ask = () => void site.client.sharing.add(CALENDAR, "ben", "editor");
  ask();
  const first = key(site);
  await site.lastRequest.respond(422, { code: "invalid", detail: "" });
  ask();
  expect(key(site)).not.toBe(first);
});

test("what_is_asked_again_after_something_else_is_meant_anew", async () => {
  const site = new FakeSite();
  const set = (role: "viewer" | "editor") => void site.client.sharing.setRole(CALENDAR, "2", role);
  set("viewer");
  const first = key(site);
  await site.lastRequest.fail();
  set("editor");
  await site.lastRequest.respond(200, {});
  set("viewer"); // under the first key, it would not be done again if the first request was done
  expect(key(site)).not.toBe(first);
});
