/** Tests that the widget on another site's page speaks the language of that page. */
import { expect, it } from "vitest";
import { notLoaded, wordsOf } from "../../src/embed/words";

it("shows the words that the page has", () => {
  const { moreLinkText, ...words } = wordsOf({
    allDay: "ganztägig",
    more: "{count} weitere",
    next: "Weiter",
    noItems: "Keine Termine",
    previous: "Zurück",
    today: "Heute",
  });
  expect(words).toEqual({
    allDayText: "ganztägig",
    nextHint: "Weiter",
    noEventsText: "Keine Termine",
    prevHint: "Zurück",
    todayHint: "Heute",
    todayText: "Heute",
  });
  expect(moreLinkText?.(3)).toBe("3 weitere");
  expect(notLoaded({ notLoaded: "Kein Kalender." })).toBe("Kein Kalender.");
});

it("leaves FullCalendar's where the page has none", () => {
  expect(wordsOf({ allDay: undefined })).toEqual({});
  expect(notLoaded({})).toContain("could not be loaded");
});
