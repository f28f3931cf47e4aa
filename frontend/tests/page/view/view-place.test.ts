/** Tests that a place of the page is written into its address and read back, whatever it is. */
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { type Place, passes, readPlace, suggestedTags, writePlace } from "../../../src/page/view/view-place";

const OTHERWISE = { view: "month", date: "2026-11-22", types: [], statuses: [], tags: [] } as const;

describe("the address of a place", () => {
  it.each([
    ["", OTHERWISE],
    ["?view=week&date=2027-03-17", { ...OTHERWISE, view: "week", date: "2027-03-17" }],
    ["?type=task,meeting&status=blocked", { ...OTHERWISE, types: ["task", "meeting"], statuses: ["blocked"] }],
    ["?view=year&date=yesterday&type=&status=,&tag=,", OTHERWISE],
    ["?date=2027-13-01&type=<b>,task", { ...OTHERWISE, types: ["task"] }],
    ["?tag=Q4,%20R%26D", { ...OTHERWISE, tags: ["Q4", "R&D"] }],
  ])("%s is read", (search, place) => {
    expect(readPlace(search, OTHERWISE)).toEqual(place);
  });

  it("is read back as it was written", () => {
    const place: fc.Arbitrary<Place> = fc.record({
      view: fc.constantFrom("month", "week", "day", "list"),
      date: fc.constantFrom("2026-11-22", "2028-02-29", "1999-12-31"),
      types: fc.subarray(["project", "activity", "task", "meeting"]),
      statuses: fc.subarray(["not_started", "in_progress", "at_risk", "blocked"]),
      tags: fc.subarray(["Q4", "R&D", "größe", "a=b"]),
    });
    fc.assert(
      fc.property(place, (one) => {
        expect(readPlace(writePlace(one), OTHERWISE)).toEqual(one);
      }),
    );
  });
});

describe("a filter", () => {
  it.each([
    [[], [], { workType: "task", status: "blocked" }, true],
    [["task"], [], { workType: "task", status: "blocked" }, true],
    [["meeting"], [], { workType: "task", status: "blocked" }, false],
    [["task"], ["blocked"], { workType: "task", status: "blocked" }, true],
    [["task"], ["completed"], { workType: "task", status: "blocked" }, false],
    [[], [], {}, true],
    [["task"], [], {}, false],
  ])("of %j and %j lets %j pass: %s", (types, statuses, item, expected) => {
    expect(passes({ types, statuses, tags: [] }, item)).toBe(expected);
  });

  it.each([
    [["q4"], ["Launch", "Q4"], true],
    [["Straße", "x"], ["STRASSE"], true],
    [["q"], ["Q4"], false],
    [["q4"], [], false],
    [["q4"], undefined, false], // a busy block
    [[], undefined, true],
  ])("of the tags %j lets an item with %j pass: %s", (tags, tagged, expected) => {
    expect(passes({ types: [], statuses: [], tags }, tagged === undefined ? {} : { tags: tagged })).toBe(expected);
  });
});

/** Seen failing without the tags before the comma, and with a tag that is typed already. */
test.each([
  ["", ["Launch", "Q4"]],
  ["la", ["Launch", "Q4"]],
  ["q4, la", ["q4, Launch"]],
  ["q4,", ["q4,Launch"]],
  ["x, launch ,  ", ["x, launch ,  Q4"]],
])("after %j are suggested %j", (typed, expected) => {
  expect(suggestedTags(typed, ["Q4", "launch", "q4", "Launch", "Q4"])).toEqual(expected);
});
