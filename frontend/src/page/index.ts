/** The calendar page's entry: makes the parts and joins them. Holds no rules of its own. */
import "./styles/page.css";
import { createLiveClient } from "../fullcalendar";
import { CalendarDialog } from "./calendar-dialog";
import { complaintOf, makeCalendar } from "./calendar-view";
import { showConnection } from "./connection-sign";
import { highlightChanges } from "./highlight";
import { wireHtmx } from "./htmx-wiring";
import { ItemDialog } from "./item-dialog";
import { noteNotLoaded } from "./not-loaded";
import { tellOffers } from "./offers";
import { readPageData } from "./page-data";
import { guardForms } from "./sending";
import { ShareDialog } from "./share-dialog";
import { Sidebar } from "./sidebar";
import { coverWhenSignedOut } from "./signed-out";
import { followStanding } from "./standing";
import { Toasts } from "./toasts";
import { Toolbar } from "./toolbar";
import { TrashDialog } from "./trash-dialog";
import { lookForTyped, watchTyped } from "./typed";
import { Undos } from "./undo";
import { ViewUrl } from "./view-url";

guardForms();
const data = readPageData();
const element = document.querySelector<HTMLElement>("#calendar.calendar");
if (data && element) void start(data, element);

async function start(page: NonNullable<typeof data>, element: HTMLElement): Promise<void> {
  const client = createLiveClient({
    apiUrl: page.apiUrl,
    socketUrl: page.socketUrl,
    userId: page.userId,
    busyTitle: page.texts.busy,
  });
  const toasts = new Toasts();
  const url = new ViewUrl();
  showConnection(client, page);
  coverWhenSignedOut(client, page.loginUrl);
  noteNotLoaded(client, page.texts.notLoaded);
  wireHtmx(client, page.userId);
  const loaded = await client.loadCalendars();
  if (!loaded.ok && client.status() !== "signed-out") {
    toasts.show(loaded.error.code === "network" ? page.texts.couldNotOpen : complaintOf(loaded.error, page));
  }

  const dialog = new ItemDialog({ client, page, toasts });
  const undos = new Undos({ client, page, toasts });
  dialog.onSaved = (state, created, text) => undos.saved(state, created, text);
  watchTyped(() => client.isUnsaved());
  client.on("writeLost", () => {
    toasts.once(page.texts.savedLater);
    lookForTyped();
  });
  client.on("writeFound", lookForTyped);
  client.on("unreadable", () => toasts.once(page.texts.notShown));
  const calendar = makeCalendar({ element, client, page, toasts, dialog, undos, place: url.place() });
  const toolbar = new Toolbar(calendar);
  const calendarDialog = new CalendarDialog({ client, page });
  const shareDialog = new ShareDialog({ client, page, toasts });
  calendarDialog.onShare = (id) => shareDialog.open(id);
  const whyGone = (id: string) => {
    if (calendarDialog.deletes(id)) return "calendarDeleted";
    return shareDialog.leaves(id) ? "calendarLeft" : "calendarGone";
  };
  const sidebar = new Sidebar({ client, calendar, page, toasts, whyGone });
  new TrashDialog({ client, page, toasts });
  tellOffers({ client, page, toasts }, (id) => shareDialog.open(id));

  calendar.on("datesSet", () => {
    toolbar.show();
    url.record({ ...url.place(), view: toolbar.view(), date: toolbar.date() });
  });
  sidebar.onFilter = (filter) => url.record({ ...url.place(), ...filter });
  url.onReturn = (place) => {
    sidebar.showFilter(place);
    toolbar.go(place);
  };
  sidebar.showFilter(url.place());
  calendar.render();
  toolbar.show();
  followStanding({ client, calendar, element, isKnown: loaded.ok });
  client.listen();
  highlightChanges(client, element);
  dialog.openFromAddress();
}
