/** Fills each `<div data-live-calendar="…">` of a page with a live calendar, by one script tag. */
import "./embed.css";
import { Calendar } from "fullcalendar";
import dayGridPlugin from "fullcalendar/daygrid";
import listPlugin from "fullcalendar/list";
import breezyTheme from "fullcalendar/themes/breezy";
import timeGridPlugin from "fullcalendar/timegrid";
import type { ApiError } from "../client/api/http";
import { createLiveReader, type LiveReader } from "../client/live-reader";
import { liveEventSource, livePlugin } from "../fullcalendar/plugin";
import { grid } from "../page/view/grid";
import { notLoaded, wordsOf } from "./words";

const VIEWS: Readonly<Record<string, string>> = {
  month: "dayGridMonth",
  week: "timeGridWeek",
  day: "timeGridDay",
  list: "listWeek",
};

for (const place of document.querySelectorAll<HTMLElement>("[data-live-calendar]")) void fill(place);

/**
 * Show the calendars that an element names by their ids, separated by spaces. If it names none, show all that the
 * visitor may see.
 */
async function fill(place: HTMLElement): Promise<void> {
  const { api = "/api/", socket = "/ws/", view = "month", date, user, busy } = place.dataset;
  const whose = user === undefined ? {} : { userId: user };
  const words = busy === undefined ? {} : { busyTitle: busy };
  const client = createLiveReader({ apiUrl: api, socketUrl: socket, ...whose, ...words });
  client.on("status", ({ status }) => {
    place.dataset["status"] = status;
  });
  client.on("unreadable", () => {
    place.dataset["unreadable"] = ""; // the page says it in its own language
  });
  const loaded = await client.loadCalendars();
  if (!loaded.ok) {
    if (client.status() !== "signed-out") showFailure(place, api, loaded.error);
    return;
  }
  const calendar = document.createElement("div"); // its height is FullCalendar's; that of `place` is the page's
  place.replaceChildren(calendar);
  new Calendar(calendar, {
    plugins: [dayGridPlugin, timeGridPlugin, listPlugin, breezyTheme, livePlugin],
    initialView: VIEWS[view] ?? view,
    ...(date === undefined ? {} : { initialDate: date }),
    ...grid(),
    height: "100%",
    headerToolbar: { start: "title", end: "today prev,next" },
    listItemEventClass: ({ view }) => (view.type.startsWith("list") ? "" : "live-line"),
    listItemEventInnerClass: ({ view }) => (view.type.startsWith("list") ? "live-entry" : ""),
    rowMoreLinkClass: "live-more",
    ...wordsOf(place.dataset),
    eventSources: idsOf(place, client).map((id) => liveEventSource(client, id)),
    eventDidMount: ({ el, event }) => {
      el.dataset["item"] = event.id;
    },
  }).render();
}

/** Tell visitors that there is no calendar, and the developer why. */
function showFailure(place: HTMLElement, api: string, { code, detail, status }: ApiError): void {
  place.dataset["status"] = code;
  const told = document.createElement("p");
  told.setAttribute("role", "alert");
  told.textContent = notLoaded(place.dataset);
  place.replaceChildren(told);
  const answer = status === 0 ? detail : `${status} ${detail}`;
  console.error(`calendar_live: ${api}calendars/ answered "${answer}". Does data-api name the address of the API?`);
}

function idsOf(place: HTMLElement, client: LiveReader): readonly string[] {
  const named = (place.dataset["liveCalendar"] ?? "").split(/\s+/).filter(Boolean);
  return named.length ? named : client.calendars().map((info) => info.id);
}
