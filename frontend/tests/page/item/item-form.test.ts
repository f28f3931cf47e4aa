/** Tests the form of an item: what one field does to the others, above all where the clocks change. */
// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { ItemForm } from "../../../src/page/item/item-form";
import type { PageData } from "../../../src/page/words/page-data";

const LA = "America/Los_Angeles";
const TEXTS = {
  firstTime: "First (UTC{offset})",
  secondTime: "Second (UTC{offset})",
  forYou: "{zone}: {when}",
};

type Fold = 0 | 1;

class Form {
  readonly element = document.createElement("form");

  /** Takes times such as `2027-11-07 01:45`, and which of two equal times each of them is. */
  constructor(start: string, end: string, { zone = LA, folds = [0, 0] as readonly [Fold, Fold], allDay = false } = {}) {
    const edges = [["start", start, folds[0]] as const, ["end", end, folds[1]] as const];
    const rows = edges.map(([edge, at, fold]) => {
      const [day, time] = at.split(" ");
      const options = [0, 1]
        .map((one) => `<option value="${one}"${one === fold ? " selected" : ""}></option>`)
        .join("");
      return `<input type="date" name="${edge}_date" value="${day}"><input type="time" name="${edge}_time" value="${time}">
        <span data-fold="${edge}" hidden><select name="${edge}_fold">${options}</select></span>`;
    });
    this.element.innerHTML = `${rows.join("")}<input type="checkbox" name="all_day"${allDay ? " checked" : ""}>
      <input name="time_zone" value="${zone}"><input name="title"><p data-local-hint hidden></p>`;
    document.body.replaceChildren(this.element);
    new ItemForm(this.element, { texts: TEXTS } as unknown as PageData);
  }

  type(name: string, value: string | boolean): this {
    const field = this.element.elements.namedItem(name) as HTMLInputElement;
    if (typeof value === "boolean") field.checked = value;
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return this;
  }

  edge(edge: "start" | "end"): string {
    const value = (part: string) => (this.element.elements.namedItem(`${edge}_${part}`) as HTMLInputElement).value;
    const place = this.element.querySelector<HTMLElement>(`[data-fold=${edge}]`);
    const chosen = place?.querySelector("select")?.selectedOptions[0]?.textContent;
    return [value("date"), value("time"), place?.hidden ? "" : chosen].filter(Boolean).join(" ");
  }
}

/**
 * Seen failing, where the clocks change, with the difference of the wall times: the end was before the start, or at a
 * time that does not exist.
 */
test.each([
  [
    "over the change of clocks",
    ["2027-11-07 01:45", "2027-11-07 01:15", [0, 1]],
    "start_date",
    "2027-11-10",
    "2027-11-10 02:15",
  ],
  [
    "to before the hour that is skipped",
    ["2027-03-12 01:30", "2027-03-12 02:30", [0, 0]],
    "start_date",
    "2027-03-14",
    "2027-03-14 03:30",
  ],
  [
    "into the hour that comes twice",
    ["2027-11-06 01:30", "2027-11-06 02:30", [0, 0]],
    "start_date",
    "2027-11-07",
    "2027-11-07 01:30 Second (UTC-08:00)",
  ],
  [
    "from the first of two times to the second",
    ["2027-11-07 01:30", "2027-11-07 03:00", [0, 0]],
    "start_fold",
    "1",
    "2027-11-07 04:00",
  ],
  ["of no length", ["2027-03-16 23:30", "2027-03-16 23:30", [0, 0]], "start_date", "2027-03-14", "2027-03-14 23:30"],
  ["over midnight", ["2027-03-16 23:30", "2027-03-17 00:30", [0, 0]], "start_time", "22:00", "2027-03-16 23:00"],
  ["of days", ["2027-03-05 09:00", "2027-03-07 17:00", [0, 0]], "start_date", "2027-03-12", "2027-03-14 17:00"],
] as const)(
  "item %s is as long as before when its start is moved",
  (_, [start, end, folds], field, value, expected) => {
    expect(new Form(start, end, { folds }).type(field, value).edge("end")).toBe(expected);
  },
);

/**
 * A year is typed digit by digit, and the typed time passes a skipped hour. Seen failing when the length is measured
 * before the end has followed the start.
 */
test("end_keeps_its_distance_whatever_is_typed_on_the_way", () => {
  const form = new Form("2027-03-12 01:30", "2027-03-12 02:30");
  for (const day of ["0002-03-12", "0020-03-12", "", "2027-03-14"]) form.type("start_date", day);
  for (const time of ["02:30", "", "02:00", "09:30"]) form.type("start_time", time);
  expect(form.edge("end")).toBe("2027-03-14 10:30");
});

/** Seen failing: the end moved along with the start, and stayed an hour before it. */
test("end_typed_before_its_start_waits_for_it", () => {
  const form = new Form("2027-03-12 09:00", "2027-03-12 10:00").type("end_time", "08:00");
  expect(form.type("start_time", "07:00").edge("end")).toBe("2027-03-12 08:00");
});

/** Seen failing: nothing said which of the two times it was. */
test("time_that_comes_twice_says_which_it_is_while_it_stands_there", () => {
  const form = new Form("2027-11-07 01:30", "2027-11-07 02:30", { folds: [1, 0] });
  expect(form.edge("start")).toBe("2027-11-07 01:30 Second (UTC-08:00)");
  expect(form.edge("end")).toBe("2027-11-07 02:30");
  expect(form.type("start_time", "01:45").edge("start")).toBe("2027-11-07 01:45 Second (UTC-08:00)");
  expect(form.type("time_zone", "America/New_York").edge("start")).toBe("2027-11-07 01:45 Second (UTC-05:00)");
  expect(form.type("time_zone", "Asia/Manila").edge("start")).toBe("2027-11-07 01:45");
  expect(form.type("time_zone", LA).type("all_day", true).edge("start")).toBe("2027-11-07 01:45");
  expect(form.type("all_day", false).type("start_fold", "0").edge("start")).toContain("First (UTC-07:00)");
});

/** Seen failing for the three that end at midnight, when the day that begins there counted among their days. */
test.each([
  ["20:00 to midnight", "2027-03-22 20:00", "2027-03-23 00:00", "2027-03-22"],
  ["three evenings to midnight", "2027-03-22 20:00", "2027-03-25 00:00", "2027-03-24"],
  ["a whole day", "2027-03-22 00:00", "2027-03-23 00:00", "2027-03-22"],
  ["a deadline at midnight", "2027-03-22 00:00", "2027-03-22 00:00", "2027-03-22"],
  ["a night", "2027-03-22 22:00", "2027-03-23 06:00", "2027-03-23"],
])("%s made all-day lasts to its last day, and back to where it ended", (_, start, end, last) => {
  const form = new Form(start, end).type("all_day", true);
  expect(form.edge("end")).toBe(`${last} ${end.slice(11)}`);
  expect(form.type("all_day", false).edge("end")).toBe(end);
  form.type("all_day", true).type("start_date", "2027-03-24").type("all_day", false).type("start_date", "2027-03-22");
  expect(form.edge("end")).toBe(end);
});
