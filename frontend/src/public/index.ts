/** Shows one calendar live, on the page behind a public link. */
import "./public.css";
import { Calendar } from "fullcalendar";
import dayGridPlugin from "fullcalendar/daygrid";
import listPlugin from "fullcalendar/list";
import breezyTheme from "fullcalendar/themes/breezy";
import timeGridPlugin from "fullcalendar/timegrid";
import { createLiveReader } from "../client/live-reader";
import { readLiveItem } from "../fullcalendar/event-input";
import { liveEventSource, livePlugin } from "../fullcalendar/plugin";
import { showConnection } from "../page/notice/connection-sign";
import { noteNotLoaded } from "../page/notice/not-loaded";
import { Toasts } from "../page/notice/toasts";
import { appearance } from "../page/view/appearance";
import { Toolbar, viewType } from "../page/view/toolbar";
import { ViewUrl } from "../page/view/view-url";
import type { CalendarInfo } from "../protocol/frames";
import { Details } from "./details";
import { type PublicData, readPublicData } from "./public-data";

const data = readPublicData();
const element = document.querySelector<HTMLElement>("#calendar.calendar");
if (data && element) start(data, element);

function start(page: PublicData, element: HTMLElement): void {
  const { apiUrl, socketUrl, link, texts } = page;
  const client = createLiveReader({ apiUrl, socketUrl, link, busyTitle: texts.busy });
  const url = new ViewUrl();
  const details = new Details(client, page.labels);
  const { view, date } = url.place();
  const calendar = new Calendar(element, {
    plugins: [dayGridPlugin, timeGridPlugin, listPlugin, breezyTheme, livePlugin],
    eventSources: [liveEventSource(client, page.calendar)],
    initialView: viewType(view),
    initialDate: date,
    ...appearance(page),
    navLinks: false,
    eventInteractive: true,
    eventClick: ({ event, jsEvent }) => {
      jsEvent.preventDefault();
      const live = readLiveItem(event);
      if (live) details.open(live.key);
    },
    loading: (on) => element.setAttribute("aria-busy", String(on)),
    eventDidMount: ({ el, event }) => {
      el.dataset["item"] = event.id;
    },
  });
  const toolbar = new Toolbar(calendar);
  calendar.on("datesSet", () => {
    toolbar.show();
    url.record({ ...url.place(), view: toolbar.view(), date: toolbar.date() });
  });
  url.onReturn = (place) => toolbar.go(place);

  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    details.close();
    calendar.destroy();
    client.close();
    showEnd();
  };
  client.on("calendarGone", end);
  client.on("status", ({ status }) => {
    if (status === "signed-out") end();
  });
  client.on("calendarsChanged", ({ calendars }) => {
    const [info] = calendars;
    if (info !== undefined) showName(info);
  });
  showConnection(client, { texts, loginUrl: "" });
  noteNotLoaded(client, texts.notLoaded);
  const toasts = new Toasts();
  client.on("unreadable", () => toasts.once(texts.notShown));
  calendar.render();
  toolbar.show();
  client.listen();
}

function showName({ name, color }: CalendarInfo): void {
  document.title = name;
  const heading = document.getElementById("calendar-name");
  if (heading) heading.textContent = name;
  const dot = document.getElementById("calendar-color");
  if (dot) dot.style.backgroundColor = color;
}

/** Remove everything that the link showed, including the calendar's name. */
function showEnd(): void {
  document.title = "";
  for (const id of ["calendar", "calendar-color", "calendar-name", "connection", "not-loaded", "toasts", "toolbar"])
    document.getElementById(id)?.remove();
  const message = document.getElementById("ended");
  if (message) message.hidden = false;
}
