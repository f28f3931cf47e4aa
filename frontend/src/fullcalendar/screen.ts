/** Connects one FullCalendar with its live sources: when it repaints, and which item a drag holds. */
import type { EventApi } from "fullcalendar";
import type { CalendarContext } from "fullcalendar/protected-api";
import type { LiveReader } from "../client/live-reader";
import type { Dirty } from "../client/screen/repaints";
import { defIdOf, readLiveItem } from "./event-input";
import type { Viewer } from "./viewer";

const screens = new WeakMap<object, Screen>();

/** Return the screen of a FullCalendar. */
export function screenOf(context: Pick<CalendarContext, "calendarApi">): Screen {
  const known = screens.get(context.calendarApi);
  if (known !== undefined) return known;
  const screen = new Screen();
  screens.set(context.calendarApi, screen);
  return screen;
}

type Context = Pick<CalendarContext, "dispatch" | "getCurrentData">;

export class Screen {
  private readonly viewers = new Map<string, Viewer>();
  private readonly clients = new Map<LiveReader, () => void>();
  private context: Context | null = null;
  private wasLoading = false;
  private mounted = true;

  /** Add a source that asks for its events. */
  add(sourceId: string, viewer: Viewer, context: Context): void {
    this.context = context;
    this.viewers.set(sourceId, viewer);
    this.listenTo(viewer.client);
  }

  /** Forget the sources that FullCalendar no longer has. */
  keepOnly(sources: Readonly<Record<string, unknown>>): void {
    for (const [sourceId, viewer] of this.viewers) {
      if (sourceId in sources) continue;
      this.viewers.delete(sourceId);
      viewer.leave();
    }
  }

  /** Paint everything again, because something has put an older picture back. */
  repaintAll(): void {
    for (const viewer of this.viewers.values()) viewer.client.repaintCalendar(viewer.calendar);
  }

  get isLoading(): boolean {
    return [...this.viewers.values()].some((viewer) => viewer.isLoading);
  }

  /** Take note that FullCalendar is on the page (again). */
  mount(context: CalendarContext): void {
    this.context = context;
    if (!this.mounted) {
      for (const viewer of this.viewers.values()) {
        this.listenTo(viewer.client);
        viewer.comeBack();
        viewer.client.repaintCalendar(viewer.calendar);
      }
    }
    this.mounted = true;
    this.watchDrags(context);
  }

  private unmount(): void {
    this.mounted = false;
    for (const stop of this.clients.values()) stop();
    this.clients.clear();
    for (const viewer of this.viewers.values()) viewer.leave();
  }

  private listenTo(client: LiveReader): void {
    if (!this.clients.has(client))
      this.clients.set(
        client,
        client.onRepaint((dirty) => this.paint(client, dirty)),
      );
  }

  private paint(client: LiveReader, dirty: Dirty): void {
    if (this.context === null) return;
    const { defs } = this.context.getCurrentData().eventStore;
    const sourceIds: string[] = [];
    for (const [sourceId, viewer] of this.viewers) {
      const { calendar } = viewer;
      const isPainted = (id: string) => defIdOf({ calendar, id }) in defs;
      if (viewer.client === client && viewer.mark(dirty.get(calendar) ?? new Set(), isPainted))
        sourceIds.push(sourceId);
    }
    const loadingChanged = this.isLoading !== this.wasLoading;
    this.wasLoading = this.isLoading;
    if (sourceIds.length > 0) this.context.dispatch({ type: "FETCH_EVENT_SOURCES", sourceIds, isRefetch: false });
    else if (loadingChanged) this.context.dispatch({ type: "IDLE" });
  }

  // An event must not change under the pointer while it is dragged (C10).
  private watchDrags({ emitter }: CalendarContext): void {
    let release = () => {};
    const start = ({ event }: { event: EventApi }) => {
      release();
      release = this.hold(event);
    };
    const stop = () => release();
    const unmounted = () => {
      stop();
      this.unmount();
      emitter.off("eventDragStart", start);
      emitter.off("eventResizeStart", start);
      emitter.off("eventDragStop", stop);
      emitter.off("eventResizeStop", stop);
      emitter.off("_unmount", unmounted);
    };
    emitter.on("eventDragStart", start);
    emitter.on("eventResizeStart", start);
    emitter.on("eventDragStop", stop);
    emitter.on("eventResizeStop", stop);
    emitter.on("_unmount", unmounted);
  }

  private hold(event: EventApi): () => void {
    const live = readLiveItem(event);
    const viewer = [...this.viewers.values()].find((one) => one.calendar === live?.key.calendar);
    return live !== null && viewer !== undefined ? viewer.client.hold(live.key) : () => {};
  }
}
