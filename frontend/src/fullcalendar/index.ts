/** Exports what the package @calendar-live/fullcalendar offers to a page. */
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
export type { LiveReader } from "../client/live-reader";
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
export { liveEventSource, livePlugin, livePlugin as default } from "./plugin";
export { datesOf, saveDates } from "./save-dates";
