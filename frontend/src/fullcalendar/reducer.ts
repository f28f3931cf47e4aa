/** Keeps FullCalendar's store equal to what the client shows, as a reducer of FullCalendar. */
import type { Action, CalendarContext, CalendarData, EventDef, EventStore } from "fullcalendar/protected-api";
import { keyOfDefId } from "./event-input";
import type { LiveMeta } from "./event-source-def";
import { mergeReceived, withoutDefs } from "./merge";
import { screenOf } from "./screen";

type Now = CalendarContext & Pick<CalendarData, "eventSources" | "eventStore" | "eventUiBases">;
type Sources = Now["eventSources"];
type Patch = Partial<Pick<CalendarData, "eventSources" | "eventStore" | "renderableEventStore" | "eventUiBases">> & {
  liveLoading?: boolean;
};

/**
 * Reduce FullCalendar's state (one of its `reducers`). It runs after FullCalendar's own reducers, and may overrule
 * them.
 */
export function liveReducer(before: Partial<CalendarData> | undefined, action: Action | undefined, now: Now): Patch {
  const screen = screenOf(now);
  screen.keepOnly(now.eventSources);
  const patch: Patch = { liveLoading: screen.isLoading };
  const eventSources = notFetching(now.eventSources);
  if (eventSources !== now.eventSources) patch.eventSources = eventSources;
  if (before?.eventStore === undefined || action === undefined) return patch;
  const eventStore = storeAfter(before.eventStore, action, now);
  if (action.type === "RESET_EVENTS") screen.repaintAll();
  if (eventStore === now.eventStore) return patch;
  return { ...patch, eventStore, renderableEventStore: eventStore, eventUiBases: uiBases(eventStore, now) };
}

/**
 * Tell whether the network is being waited for (one of the `isLoadingFuncs`), so that FullCalendar does not call
 * `loading` with each push.
 */
export function isLiveLoading(state: { readonly liveLoading?: boolean }): boolean {
  return state.liveLoading === true;
}

function storeAfter(before: EventStore, action: Action, now: Now): EventStore {
  switch (action.type) {
    case "RECEIVE_EVENTS":
      return received(before, action.sourceId, action.fetchId, now);
    // A drop, a revert or an addEvent must not bring back an item that is gone.
    case "MERGE_EVENTS":
    case "ADD_EVENTS":
    case "RESET_EVENTS":
      return withoutDefs(now.eventStore, (def) => isGone(def, now));
    default:
      return now.eventStore;
  }
}

function received(before: EventStore, sourceId: string, fetchId: string, now: Now): EventStore {
  const source = now.eventSources[sourceId];
  const meta = liveMeta(source?.meta);
  if (source === undefined || meta === null || source.latestFetchId !== fetchId) return now.eventStore;
  const batch = meta.viewer.taken();
  if (batch === null) return now.eventStore;
  const { whole, ids } = batch;
  return mergeReceived(before, now.eventStore, { sourceId, calendar: meta.viewer.calendar, whole, ids });
}

function isGone(def: EventDef, now: Now): boolean {
  const key = keyOfDefId(def.defId);
  const meta = liveMeta(now.eventSources[def.sourceId]?.meta);
  // An event that was added by hand to a live source is not in the store, and would stand beside the pushed one.
  if (key === null) return meta !== null;
  return meta === null || meta.viewer.shown(key).length === 0;
}

function liveMeta(meta: unknown): LiveMeta | null {
  return typeof meta === "object" && meta !== null && "viewer" in meta ? (meta as LiveMeta) : null;
}

// A live source answers at once. If it counted as fetching, FullCalendar would hold back the whole picture and call
// `loading` with each push.
function notFetching(sources: Sources): Sources {
  let copy: Sources | null = null;
  for (const [id, source] of Object.entries(sources)) {
    if (!source.isFetching || liveMeta(source.meta) === null) continue;
    copy ??= { ...sources };
    copy[id] = { ...source, isFetching: false };
  }
  return copy ?? sources;
}

// FullCalendar computed these from the answer alone, but the events that were kept need theirs too.
function uiBases(store: EventStore, now: Now): Now["eventUiBases"] {
  const bases: Now["eventUiBases"] = {};
  const fallback = now.eventUiBases[""];
  if (fallback !== undefined) bases[""] = fallback;
  for (const defId in store.defs) {
    const source = now.eventSources[store.defs[defId]?.sourceId ?? ""];
    if (source !== undefined) bases[defId] = source.ui;
  }
  return bases;
}
