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

export type { ChangedEvent, HeldItemEvent, ItemKey, LiveEvents } from "../client/events";
export { type ApiError, csrfToken, type Result, userHeader } from "../client/http";
export { createLiveClient, type LiveClient, type LiveClientOptions } from "../client/live-client";
export { isOwner, mayEdit } from "../client/roles";
export type {
  Added,
  DeletedCalendar,
  Invitation,
  LinkFields,
  Member,
  PublicLink,
  Role,
  Sharing,
} from "../client/sharing";
export type { ItemFilter } from "../client/showing";
export type { TrashedItem } from "../client/trash";
export type { UndoOutcome } from "../client/undoing";
export { type Deleted, readDeleted, type Written } from "../client/writing";
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
export { type BusyItem, type FullItem, type Item, isBusy } from "../protocol/item";
export { isState, type State } from "../protocol/state";
export type { Link, LinkHandlers, Transport } from "../transport/transport";
export { readLiveItem } from "./event-input";
export { movedEnd } from "./length";
export { datesOf, saveDates } from "./save-dates";
