/** Merges the answer of a source into FullCalendar's store, and keeps every object that did not change. */
import type { EventDef, EventInstanceHash, EventStore } from "fullcalendar/protected-api";
import { defIdOf } from "./event-input";

type Instance = EventInstanceHash[string];

/** Which events of a source an answer replaces: all of them, or those with some ids. */
export interface Replaced {
  readonly sourceId: string;
  readonly calendar: string;
  readonly whole: boolean;
  readonly ids: ReadonlySet<string>;
}

/**
 * Return the store that an answer leads to. `before` is the store before the answer. `now` is what FullCalendar made of
 * it: of this source, it has only the events in the answer. Where a definition or its dates are unchanged, the object
 * stays the same, so that nothing is rendered again. A known event keeps the id of its instance, and with it its DOM
 * node.
 */
export function mergeReceived(before: EventStore, now: EventStore, replaced: Replaced): EventStore {
  const touched = touchedDefIds(now, replaced);
  const known = new Map<string, Instance>();
  const base = replaced.whole ? now : before;
  const defs = { ...base.defs };
  const instances = { ...base.instances };
  for (const instance of eachOf(before.instances)) {
    if (touched.has(instance.defId)) known.set(instance.defId, instance);
  }
  for (const instance of eachOf(base.instances)) {
    if (touched.has(instance.defId)) delete instances[instance.instanceId];
  }
  for (const defId of touched) {
    const def = sameOr(before.defs[defId], now.defs[defId]);
    if (def === undefined) delete defs[defId];
    else defs[defId] = def;
  }
  for (const fresh of eachOf(now.instances)) {
    if (!touched.has(fresh.defId)) continue;
    const instance = reuse(isRecurring(defs[fresh.defId]) ? undefined : known.get(fresh.defId), fresh);
    instances[instance.instanceId] = instance;
  }
  return { defs, instances };
}

// Each push walks a hash of thousands of entries, and for…in makes no list of them.
function* eachOf<T>(hash: Readonly<Record<string, T>>): Generator<T> {
  for (const name in hash) {
    const value = hash[name];
    if (value !== undefined) yield value;
  }
}

function touchedDefIds(now: EventStore, { sourceId, calendar, whole, ids }: Replaced): ReadonlySet<string> {
  if (!whole) return new Set(Array.from(ids, (id) => defIdOf({ calendar, id })));
  const touched = new Set<string>();
  for (const def of eachOf(now.defs)) {
    if (def.sourceId === sourceId) touched.add(def.defId);
  }
  return touched;
}

function sameOr(known: EventDef | undefined, fresh: EventDef | undefined): EventDef | undefined {
  return known !== undefined && isSame(known, fresh) ? known : fresh;
}

function isRecurring(def: EventDef | undefined): boolean {
  return def !== undefined && def.recurringDef !== null;
}

function reuse(known: Instance | undefined, fresh: Instance): Instance {
  if (known === undefined || known.instanceId === fresh.instanceId) return fresh;
  return isSame(known.range, fresh.range) ? known : { ...fresh, instanceId: known.instanceId };
}

/** Return the store without the definitions that a predicate rejects; the same store if it rejects none. */
export function withoutDefs(store: EventStore, isRejected: (def: EventDef) => boolean): EventStore {
  const rejected = new Set<string>();
  for (const def of eachOf(store.defs)) {
    if (isRejected(def)) rejected.add(def.defId);
  }
  if (rejected.size === 0) return store;
  const defs = { ...store.defs };
  const instances = { ...store.instances };
  for (const defId of rejected) delete defs[defId];
  for (const instance of eachOf(store.instances)) {
    if (rejected.has(instance.defId)) delete instances[instance.instanceId];
  }
  return { defs, instances };
}

/** Tell whether two plain values (objects, arrays, dates) have the same content. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Date || b instanceof Date)
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime();
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && isSame(Reflect.get(a, name), Reflect.get(b, name)));
}
