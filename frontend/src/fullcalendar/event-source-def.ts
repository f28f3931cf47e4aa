/** Defines the event source, which hands the contents of the client's store to FullCalendar at once. */
import type { EventInput } from "fullcalendar";
import type { CalendarContext, DateRange } from "fullcalendar/protected-api";
import { eventInput } from "./event-input";
import type { LiveSourceOption } from "./options";
import { screenOf } from "./screen";
import { Viewer } from "./viewer";

export interface LiveMeta {
  readonly viewer: Viewer;
}

interface FetchArg {
  readonly eventSource: { readonly sourceId: string; readonly meta: LiveMeta };
  readonly range: DateRange;
  readonly isRefetch: boolean;
  readonly context: CalendarContext;
}

export const liveEventSourceDef = {
  parseMeta(refined: { readonly live?: LiveSourceOption }): LiveMeta | null {
    return refined.live === undefined ? null : { viewer: new Viewer(refined.live) };
  },

  fetch(
    { eventSource, range, isRefetch, context }: FetchArg,
    succeed: (answer: { rawEvents: EventInput[] }) => void,
  ): void {
    const { viewer } = eventSource.meta;
    const { dateEnv } = context;
    screenOf(context).add(eventSource.sourceId, viewer, context);
    const instants = { start: dateEnv.toDate(range.start).getTime(), end: dateEnv.toDate(range.end).getTime() };
    const { items } = viewer.fetch(instants, dateEnv, isRefetch);
    succeed({ rawEvents: items.map((item) => eventInput(viewer.client, item)) });
  },
};
