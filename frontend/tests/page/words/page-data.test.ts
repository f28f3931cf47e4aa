/** How messages name an item: as it is called, but never so long that they cover the page. */
import { expect, test } from "vitest";
import { shortTitle } from "../../../src/page/words/page-data";

/** Seen failing with titles as they are, and with one cut in the middle of a letter. */
test.each([
  ["Design review", "Design review"],
  ["x".repeat(60), "x".repeat(60)],
  ["x".repeat(61), `${"x".repeat(59)}…`],
  [`${"x".repeat(58)} yz`, `${"x".repeat(58)}…`],
  ["🎉".repeat(200), `${"🎉".repeat(59)}…`],
])("%s is %s in a message", (title, expected) => {
  expect(shortTitle(title)).toBe(expected);
});
