/** Tests which moments a wall time may mean. The server reads it alike (calendar_live/pages/wall_time.py). */
import { Temporal } from "temporal-polyfill";
import { expect, test } from "vitest";
import { momentsOf } from "../../../src/page/item/wall-time";

test.each([
  ["2026-10-25T01:59", "Europe/Berlin", ["2026-10-24T23:59:00Z"]],
  ["2026-10-25T02:00", "Europe/Berlin", ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"]],
  ["2026-10-25T03:00", "Europe/Berlin", ["2026-10-25T02:00:00Z"]],
  ["2026-03-29T02:30", "Europe/Berlin", ["2026-03-29T01:30:00Z"]], // skipped
  ["2027-04-04T01:45", "Australia/Lord_Howe", ["2027-04-03T14:45:00Z", "2027-04-03T15:15:00Z"]],
])("%s in %s is %j", (wall, zone, moments) => {
  expect(momentsOf(Temporal.PlainDateTime.from(wall), zone).map((one) => one.toInstant().toString())).toEqual(moments);
});
