/** Defines the FullCalendar plug-in, and the event source of one calendar. */
import type { EventSourceInput, PluginInput } from "fullcalendar";
import type { LiveReader } from "../client/live-reader";
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

/** Return the event source of one calendar. Further source options (color, className…) may be spread in. */
export function liveEventSource(client: LiveReader, calendar: string): EventSourceInput & object {
  return { id: calendar, live: { client, calendar } };
}
