/** Tests that the widget on another site's page speaks the language of that page. */
import { expect, it } from "vitest";
import { wordsOf } from "../../src/embed/words";

it("shows the words that the page has", () => {
  const { moreLinkText, ...words } = wordsOf({
    allDay: "ganztägig",
    more: "{count} weitere",
    noItems: "Keine Termine",
  });
  expect(words).toEqual({ allDayText: "ganztägig", noEventsText: "Keine Termine" });
  expect(moreLinkText?.(3)).toBe("3 weitere");
});

it("leaves FullCalendar's where the page has none", () => {
  expect(wordsOf({ allDay: undefined })).toEqual({});
});
