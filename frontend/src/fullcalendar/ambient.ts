/** Adds the plug-in's options to FullCalendar's types. */
import type { RawOptionsFromRefiners, RefinedOptionsFromRefiners } from "@fullcalendar/core/protected-api";
import type { EVENT_REFINERS, EVENT_SOURCE_REFINERS } from "./options";

type LiveSourceRefiners = typeof EVENT_SOURCE_REFINERS;
type LiveEventRefiners = typeof EVENT_REFINERS;

declare module "@fullcalendar/core/protected-api" {
  interface EventSourceOptions extends RawOptionsFromRefiners<LiveSourceRefiners> {}
  interface EventSourceOptionsRefined extends RefinedOptionsFromRefiners<LiveSourceRefiners> {}
  interface EventRefiners extends LiveEventRefiners {}
}
