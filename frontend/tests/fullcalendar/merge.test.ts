/** Tests the pure merge, which keeps objects that are unchanged. */
import { describe, expect, test } from "vitest";
import { isSame, mergeReceived, withoutDefs } from "../../src/fullcalendar/merge";
import { CALENDAR, uuid } from "../support/items";

type Store = Parameters<typeof mergeReceived>[0];

const defId = (number: number) => `live~${CALENDAR}~${uuid(number)}`;

/** Return a store of rows of [item number, title, instance id, start]. */
function store(...rows: readonly (readonly [number, string, string, number])[]): Store {
  const defs: Record<string, object> = {};
  const instances: Record<string, object> = {};
  for (const [number, title, instanceId, start] of rows) {
    defs[defId(number)] = {
      defId: defId(number),
      sourceId: "s",
      title,
      recurringDef: null,
      ui: { color: "" },
      extendedProps: { title },
    };
    instances[instanceId] = {
      instanceId,
      defId: defId(number),
      range: { start: new Date(start), end: new Date(start + 1) },
    };
  }
  return { defs, instances } as Store;
}

const delta = (...numbers: number[]) => ({
  sourceId: "s",
  calendar: CALENDAR,
  whole: false,
  ids: new Set(numbers.map(uuid)),
});
const whole = { ...delta(), whole: true };

describe("mergeReceived", () => {
  const before = store([1, "One", "i1", 10], [2, "Two", "i2", 20]);

  test("keeps_unchanged_objects_when_everything_comes_anew", () => {
    const merged = mergeReceived(before, store([1, "One", "j1", 10], [2, "Two", "j2", 20]), whole);
    expect(Object.keys(merged.instances)).toEqual(["i1", "i2"]);
    expect(merged.defs[defId(1)]).toBe(before.defs[defId(1)]);
    expect(merged.instances.i1).toBe(before.instances.i1);
  });

  test("keeps_the_instance_id_when_dates_change", () => {
    const merged = mergeReceived(before, store([1, "One", "j1", 11]), delta(1));
    expect(merged.instances.i1?.range.start).toEqual(new Date(11));
    expect(merged.instances.j1).toBeUndefined();
    expect(merged.instances.i2).toBe(before.instances.i2);
  });

  test("removes_what_a_delta_names_and_does_not_bring", () => {
    const merged = mergeReceived(before, store(), delta(1));
    expect(Object.keys(merged.defs)).toEqual([defId(2)]);
    expect(Object.keys(merged.instances)).toEqual(["i2"]);
  });

  test("removes_what_a_whole_answer_does_not_bring", () => {
    expect(Object.keys(mergeReceived(before, store([2, "Two", "j2", 20]), whole).instances)).toEqual(["i2"]);
  });
});

test("withoutDefs_returns_the_same_store_when_nothing_is_rejected", () => {
  const all = store([1, "One", "i1", 10]);
  expect(withoutDefs(all, () => false)).toBe(all);
  expect(withoutDefs(all, () => true)).toEqual({ defs: {}, instances: {} });
});

test.each([
  [{ a: [1, { b: null }] }, { a: [1, { b: null }] }, true],
  [{ a: 1 }, { a: 1, b: undefined }, false],
  [new Date(5), new Date(5), true],
  [new Date(5), new Date(6), false],
  [new Date(5), {}, false],
  [[], {}, true], // never compared in practice: an event's fields keep their kinds
  [null, {}, false],
  [Number.NaN, Number.NaN, true],
])("isSame(%j, %j) is %s", (a, b, expected) => {
  expect(isSame(a, b)).toBe(expected);
});
