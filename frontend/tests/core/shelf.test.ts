/**
 * Tests that the shelf is a map: after any series of changes, it has what a Map would have, and older versions are
 * untouched.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Shelf } from "../../src/core/shelf";
import { uuid } from "../support/items";

const changes = fc.array(fc.tuple(fc.nat(300).map(uuid), fc.option(fc.nat(), { nil: undefined })));

test("shelf_holds_what_a_map_would_hold_and_keeps_its_older_versions", () => {
  fc.assert(
    fc.property(changes, changes, (first, second) => {
      const map = new Map<string, number>();
      const apply = (list: typeof first) => {
        for (const [id, value] of list) {
          if (value === undefined) map.delete(id);
          else map.set(id, value);
        }
        return [...map].sort();
      };
      const one = Shelf.empty<number>().with(first);
      const expectedOne = apply(first);
      const two = one.with(second);
      expect([...two].sort()).toEqual(apply(second));
      expect([two.size, [...two.values()].length]).toEqual([map.size, map.size]);
      expect([...one].sort()).toEqual(expectedOne);
      for (const [id, value] of map) expect([two.get(id), two.has(id)]).toEqual([value, true]);
    }),
  );
});
