/** A live calendar for any page by one script tag: fills each `<div data-live-calendar="…">`. Reads attributes; changes nothing on the server. */
import "./embed.css";
import { Calendar } from "fullcalendar";
import dayGridPlugin from "fullcalendar/daygrid";
import listPlugin from "fullcalendar/list";
import breezyTheme from "fullcalendar/themes/breezy";
import timeGridPlugin from "fullcalendar/timegrid";
import { createLiveClient, type LiveClient, liveEventSource, livePlugin } from "../fullcalendar";
import { wordsOf } from "./words";

const VIEWS: Readonly<Record<string, string>> = {
  month: "dayGridMonth",
  week: "timeGridWeek",
  day: "timeGridDay",
  list: "listWeek",
};

for (const place of document.querySelectorAll<HTMLElement>("[data-live-calendar]")) void fill(place);

/** Show the calendars an element names (ids, separated by spaces; none: all one may see). */
async function fill(place: HTMLElement): Promise<void> {
  const { api = "/api/", socket = "/ws/", view = "month", date, user, busy } = place.dataset;
  const whose = user === undefined ? {} : { userId: user };
  const words = busy === undefined ? {} : { busyTitle: busy };
  const client = createLiveClient({ apiUrl: api, socketUrl: socket, ...whose, ...words });
  client.on("status", ({ status }) => {
    place.dataset["status"] = status;
  });
  client.on("unreadable", () => {
    place.dataset["unreadable"] = ""; // in whose language to say it, the page knows
  });
  const loaded = await client.loadCalendars();
  if (!loaded.ok) {
    if (client.status() !== "signed-out") place.dataset["status"] = loaded.error.code;
    return;
  }
  new Calendar(place, {
    plugins: [dayGridPlugin, timeGridPlugin, listPlugin, breezyTheme, livePlugin],
    initialView: VIEWS[view] ?? view,
    ...(date === undefined ? {} : { initialDate: date }),
    ...wordsOf(place.dataset),
    eventSources: idsOf(place, client).map((id) => liveEventSource(client, id)),
    eventDidMount: ({ el, event }) => {
      el.dataset["item"] = event.id;
    },
  }).render();
}

function idsOf(place: HTMLElement, client: LiveClient): readonly string[] {
  const named = (place.dataset["liveCalendar"] ?? "").split(/\s+/).filter(Boolean);
  return named.length ? named : client.calendars().map((info) => info.id);
}
