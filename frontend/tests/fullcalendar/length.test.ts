/** Tests that an item keeps its length when it is moved, whatever the clocks do in between. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { movedEnd } from "../../src/fullcalendar/length";

const LA = "America/Los_Angeles";
const BERLIN = "Europe/Berlin";

/** Seen failing with the difference of the wall times; the conference, with the difference of the moments. */
test.each([
  [
    "45 past one to a quarter past one, 30 minutes",
    "2027-11-07T08:45Z/2027-11-07T09:15Z",
    LA,
    "2027-11-10T09:45Z",
    "2027-11-10T10:15Z",
  ],
  [
    "an hour, to before the hour that is skipped",
    "2027-03-12T23:00Z/2027-03-13T00:00Z",
    LA,
    "2027-03-14T09:30Z",
    "2027-03-14T10:30Z",
  ],
  [
    "an hour, into the hour that comes twice",
    "2027-11-05T08:30Z/2027-11-05T09:30Z",
    LA,
    "2027-11-07T08:30Z",
    "2027-11-07T09:30Z",
  ],
  [
    "nothing, as a deadline is long",
    "2027-03-16T15:30Z/2027-03-16T15:30Z",
    "Asia/Manila",
    "2027-03-24T15:30Z",
    "2027-03-24T15:30Z",
  ],
  [
    "eight hours, into the night of an hour less",
    "2027-03-20T21:00Z/2027-03-21T05:00Z",
    BERLIN,
    "2027-03-27T21:00Z",
    "2027-03-28T05:00Z",
  ],
  [
    "23 hours from the second of two equal times, to a week later",
    "2026-10-25T01:30Z/2026-10-26T00:30Z",
    BERLIN,
    "2026-11-01T01:30Z",
    "2026-11-02T00:30Z",
  ],
  [
    "Friday at nine to Sunday at five, over the change",
    "2027-03-19T08:00Z/2027-03-21T16:00Z",
    BERLIN,
    "2027-03-26T08:00Z",
    "2027-03-28T15:00Z",
  ],
  ["and back from it", "2027-03-26T08:00Z/2027-03-28T15:00Z", BERLIN, "2027-03-19T08:00Z", "2027-03-21T16:00Z"],
  [
    "in a zone that the browser does not know",
    "2027-11-07T08:45Z/2027-11-07T09:15Z",
    "Mars/Olympus",
    "2027-11-10T09:45Z",
    "2027-11-10T10:15Z",
  ],
])("%s", (_, span, zone, start, end) => {
  const [from = 0, to = 0] = span.split("/").map(Date.parse);
  expect(new Date(movedEnd({ start: from, end: to }, Date.parse(start), zone))).toEqual(new Date(end));
});

const CHANGES = [
  ["America/Los_Angeles", "2027-03-14T10:00Z", "2027-11-07T09:00Z"],
  ["Europe/Berlin", "2027-03-28T01:00Z", "2027-10-31T01:00Z"],
  ["Australia/Lord_Howe", "2027-10-02T15:30Z", "2027-04-03T15:00Z"], // by half an hour
] as const;

/** Seen failing with the difference of the wall times. */
test("what_is_shorter_than_a_day_is_as_long_by_the_clock_wherever_it_is_moved", () => {
  const aside = fc.integer({ min: -24 * 60, max: 24 * 60 });
  const lengths = fc.integer({ min: 0, max: 22 * 60 }); // the shortest day has 23 hours
  fc.assert(
    fc.property(fc.constantFrom(...CHANGES), aside, aside, lengths, ([zone, ...changes], before, after, length) => {
      const [start, moved] = [before, after].map((minutes, at) => Date.parse(changes[at] ?? "") + minutes * 60_000);
      const span = { start: start ?? 0, end: (start ?? 0) + length * 60_000 };
      expect(movedEnd(span, moved ?? 0, zone)).toBe((moved ?? 0) + length * 60_000);
    }),
  );
});
