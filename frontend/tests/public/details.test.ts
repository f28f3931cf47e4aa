/** Tests how the dialog of a public page says when an item takes place. */
import { expect, test } from "vitest";
import { when } from "../../src/public/details";

const ALL_DAY = { allDay: true } as const;

test.each([
  [{ start: "2026-11-30", end: "2026-12-01", ...ALL_DAY }, /^Monday,? 30 November 2026$/],
  [{ start: "2026-11-30", end: "2026-12-02", ...ALL_DAY }, /30 November.*1 December 2026$/],
  [{ start: "2026-11-30T09:00:00Z", end: "2026-11-30T09:00:00Z", allDay: false }, /30 November 2026.*\d\d:00$/],
] as const)("reader_is_told_the_last_day_and_not_the_end_of_%o", (item, expected) => {
  expect(when(item, "en-GB")).toMatch(expected);
});
