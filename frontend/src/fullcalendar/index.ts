/** The plug-in's front door: exports what a page may use, and does nothing by itself. */
import type { EventSourceInput, PluginInput } from "fullcalendar";
import type { LiveClient } from "../client/live-client";
import "./ambient";
import { liveDefMembers } from "./event-input";
import { liveEventSourceDef } from "./event-source-def";
import { EVENT_REFINERS, EVENT_SOURCE_REFINERS } from "./options";
import { isLiveLoading, liveReducer } from "./reducer";
import { screenOf } from "./screen";

export const livePlugin: PluginInput = {
  name: "calendar-live",
  eventSourceRefiners: EVENT_SOURCE_REFINERS,
  eventRefiners: EVENT_REFINERS,
  eventDefMemberAdders: [liveDefMembers],
  eventSourceDefs: [liveEventSourceDef],
  reducers: [liveReducer],
  isLoadingFuncs: [isLiveLoading],
  contextInit: (context) => screenOf(context).mount(context),
};

export default livePlugin;

/** Return the event source of one calendar; further source options (color, className…) may be spread in. */
export function liveEventSource(client: LiveClient, calendar: string): EventSourceInput & object {
  return { id: calendar, live: { client, calendar } };
}

export { type ApiError, csrfToken, type Result, userHeader } from "../client/api/http";
export { type Deleted, readDeleted, type Written } from "../client/api/items";
export type {
  Added,
  DeletedCalendar,
  Invitation,
  LinkFields,
  Member,
  PublicLink,
  Role,
  Sharing,
} from "../client/api/sharing";
export type { TrashedItem } from "../client/api/trash";
export { createLiveClient, type LiveClient, type LiveClientOptions } from "../client/live-client";
export type { ChangedEvent, HeldItemEvent, LiveEvents } from "../client/screen/events";
export type { ItemFilter } from "../client/screen/showing";
export type { UndoOutcome } from "../client/writing/undoing";
export type { Status } from "../core/connection";
export {
  type Done,
  isMove,
  type Knowledge,
  planUndo,
  touches,
  type Undo,
  type UndoKind,
  type UndoStep,
} from "../core/undo";
export type { Actor, CalendarInfo, Offer } from "../protocol/frames";
export { type BusyItem, type FullItem, type Item, type ItemKey, isBusy } from "../protocol/item";
export { isOwner, mayEdit } from "../protocol/roles";
export { isState, type State } from "../protocol/state";
export type { Link, LinkHandlers, Transport } from "../transport/transport";
export { readLiveItem } from "./event-input";
export { movedEnd } from "./length";
export { datesOf, saveDates } from "./save-dates";
