/** The options this plug-in adds to event sources and events, as FullCalendar refiners. Nothing else. */
import type { LiveClient } from "../client/live-client";

/** `live` of an event source: which calendar of which client feeds it. */
export interface LiveSourceOption {
  readonly client: LiveClient;
  /** The calendar's id. */
  readonly calendar: string;
}

export const EVENT_SOURCE_REFINERS = {
  live: (option: LiveSourceOption): LiveSourceOption => option,
};

export const EVENT_REFINERS = {
  /** Set by the plug-in on its own events: what their deterministic `defId` is made of. */
  liveKey: String,
};
