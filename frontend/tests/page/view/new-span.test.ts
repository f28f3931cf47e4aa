/** Tests that a new item is proposed where the user can see it. */
import { expect, it } from "vitest";
import { newSpan } from "../../../src/page/view/new-span";

const MARCH = { currentStart: new Date(2027, 2, 1), currentEnd: new Date(2027, 3, 1) };
const DAY = new Date(2027, 2, 15);

/** Seen failing when the next full hour is proposed whatever is on screen. */
it.each([
  ["the month before its first moment", new Date(2027, 1, 28, 23, 59)],
  ["the month after it", new Date(2027, 3, 1)],
])("is at nine on the day that is looked at, in %s", (_when, now) => {
  const start = new Date(2027, 2, 15, 9).toISOString();
  const end = new Date(2027, 2, 15, 10).toISOString();
  expect(newSpan(MARCH, DAY, now)).toEqual({ start, end, allDay: false });
});

it.each([new Date(2027, 2, 1), new Date(2027, 2, 31, 23, 59)])(
  "is left to the server while today is shown (%s)",
  (now) => {
    expect(newSpan(MARCH, DAY, now)).toBeNull();
  },
);
