/** Generates random lives of a world: writes, faults and what a user does, in any order. */
import fc from "fast-check";
import type { Reduce } from "../../src/core/reduce";
import type { Rights } from "./reference-server";
import { World } from "./world";

const RIGHTS: readonly Rights[] = ["full", "shared", "public", "full", "freebusy", null, "full"];
const VISIBILITIES = ["normal", "private", "secret", undefined] as const;

type Step = readonly [kind: number, a: number, b: number];

const STEPS: readonly ((world: World, a: number, b: number) => void)[] = [
  (world, a, b) => void world.server.write([{ number: a % 4, day: b % 6 }]),
  (world, a, b) => void world.server.write([{ number: a % 4, day: b % 6, visibility: VISIBILITIES[b % 4] }]),
  (world, a) => void world.server.write([{ number: a % 4, day: null }]),
  (world, a, b) =>
    void world.server.write([
      { number: a % 4, day: b % 6 },
      { number: (a + 1) % 4, day: b % 3 === 0 ? null : b % 6 },
    ]),
  (world) => world.deliver(),
  (world) => world.deliver(),
  (world) => world.deliver(),
  (world) => world.deliver(),
  (world) => world.lose(),
  (world) => world.duplicate(),
  (world) => world.reorder(),
  (world) => world.connect(),
  (world) => world.connect(),
  (world, a) => (a % 2 ? world.cut() : world.cutWithin()),
  (world, a, b) => world.show(a, b, a % 5 === 0),
  (world, a, b) => world.show(a, b, a % 5 === 0),
  (world, a) => world.hide(a),
  (world, a, b) => world.serve(a, b),
  (world, a, b) => world.serve(a, b),
  (world, a) => world.answer(a),
  (world, a) => world.answer(a),
  (world) => world.failFeed(),
  (world, a) => world.fire(a),
  (world, a) => world.fire(a),
  (world) => world.server.beat(),
  (world) => world.server.swallow(),
  (world, a) => world.deleteHere(a % 4),
  (world, a, b) => world.edit(a % 4, b % 5 === 0 ? null : b % 6),
  (world, a, b) => world.edit(a % 4, b % 5 === 0 ? null : b % 6),
  (world, a, b) => world.reach(a, b % 6 === 0),
  (world, a) => world.reach(a),
  (world, a) => world.outcome(a),
  (world, a) => world.outcome(a),
  (world, a) => (a % 2 ? world.loseWrite(a) : world.loseOutcome(a)),
  (world, a) => world.loseOutcome(a),
  (world, a) => (a % 3 === 0 ? world.server.restore(1 + (a % 4)) : world.deliver()),
  (world, a) => (a % 3 === 0 ? world.server.prune() : world.deliver()),
  (world, a, b) => (a % 4 === 0 ? world.server.giveRights(RIGHTS[b % RIGHTS.length] ?? null) : world.deliver()),
];

const lives = fc.array(fc.tuple(fc.nat(STEPS.length - 1), fc.nat(59), fc.nat(59)), {
  minLength: 1,
  maxLength: 120,
  size: "max",
});

/** Live one life. Throws if an invariant does not hold. */
function live(reduce: Reduce, steps: readonly Step[]): void {
  const world = new World(reduce);
  world.connect();
  world.show(0, 0, false);
  for (const [kind, a, b] of steps) STEPS[kind]?.(world, a, b);
  world.settle();
}

/** Return the property that all invariants hold in every life of a reducer. */
export function holdsInEveryLife(reduce: Reduce): fc.IProperty<[Step[]]> {
  return fc.property(lives, (steps) => live(reduce, steps));
}
