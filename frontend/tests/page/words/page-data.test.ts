/** Tests how messages name an item: by its title, which is shortened so that messages never cover the page. */
import { expect, test } from "vitest";
import { shortTitle } from "../../../src/page/words/page-data";

/** Seen failing with titles that are not shortened, and with a title cut in the middle of a letter. */
test.each([
  ["Design review", "Design review"],
  ["x".repeat(60), "x".repeat(60)],
  ["x".repeat(61), `${"x".repeat(59)}…`],
  [`${"x".repeat(58)} yz`, `${"x".repeat(58)}…`],
  ["🎉".repeat(200), `${"🎉".repeat(59)}…`],
])("%s is %s in a message", (title, expected) => {
  expect(shortTitle(title)).toBe(expected);
});
