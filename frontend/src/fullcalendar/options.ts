/** Defines the options that the plug-in adds to event sources and events. */
import type { LiveReader } from "../client/live-reader";

/** The option `live` of an event source: which calendar of which client feeds it. */
export interface LiveSourceOption {
  readonly client: LiveReader;
  /** The calendar's id. */
  readonly calendar: string;
}

export const EVENT_SOURCE_REFINERS = {
  live: (option: LiveSourceOption): LiveSourceOption => option,
};

export const EVENT_REFINERS = {
  /** Set by the plug-in on its own events. Their deterministic `defId` is made from it. */
  liveKey: String,
};
