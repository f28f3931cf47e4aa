/** Makes the parts of the calendar page, and joins them. */
import "./styles/page.css";
import { createLiveClient } from "../fullcalendar";
import { CalendarDialog } from "./calendars/calendar-dialog";
import { Sidebar } from "./calendars/sidebar";
import { followStanding } from "./calendars/standing";
import { guardForms } from "./dom/sending";
import { checkTyped, watchTyped } from "./dom/typed";
import { wireHtmx } from "./item/htmx-wiring";
import { ItemDialog } from "./item/item-dialog";
import { showConnection } from "./notice/connection-sign";
import { noteNotLoaded } from "./notice/not-loaded";
import { coverWhenSignedOut } from "./notice/signed-out";
import { Toasts } from "./notice/toasts";
import { tellOffers } from "./sharing/offers";
import { ShareDialog } from "./sharing/share-dialog";
import { TrashDialog } from "./undo/trash-dialog";
import { Undos } from "./undo/undo";
import { makeCalendar } from "./view/calendar-view";
import { highlightChanges } from "./view/highlight";
import { newSpan } from "./view/new-span";
import { Toolbar } from "./view/toolbar";
import { ViewUrl } from "./view/view-url";
import { readPageData } from "./words/page-data";

guardForms();
const data = readPageData();
const element = document.querySelector<HTMLElement>("#calendar.calendar");
if (data && element) start(data, element);

// Start everything at once, so that each button on screen works, however long the server takes to answer.
function start(page: NonNullable<typeof data>, element: HTMLElement): void {
  const client = createLiveClient({
    apiUrl: page.apiUrl,
    socketUrl: page.socketUrl,
    userId: page.userId,
    busyTitle: page.texts.busy,
  });
  const toasts = new Toasts();
  const url = new ViewUrl();
  showConnection(client, page, () => client.isUnsaved());
  coverWhenSignedOut(client, page.loginUrl);
  noteNotLoaded(client, page.texts.notLoaded);
  wireHtmx(page.userId);
  client.useCalendars(page.calendars);

  const dialog = new ItemDialog({ client, page, toasts });
  const undos = new Undos({
    client,
    page,
    toasts,
    shows: (key) => dialog.shows(key),
    made: (change) => dialog.made(change),
  });
  dialog.onSaved = (state, created, text) => undos.saved(state, created, text);
  watchTyped(() => client.isUnsaved());
  client.on("writeLost", () => {
    toasts.once(page.texts.savedLater);
    checkTyped();
  });
  client.on("writeFound", checkTyped);
  client.on("unreadable", () => toasts.once(page.texts.notShown));
  const calendar = makeCalendar({
    element,
    client,
    page,
    toasts,
    place: url.place(),
    create: (span) => void dialog.create(span),
    open: (key) => void dialog.open(key),
  });
  dialog.newSpan = () => newSpan(calendar.view, calendar.getDate(), new Date());
  dialog.onClose = () => calendar.unselect();
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
  followStanding({ client, calendar, element });
  client.listen();
  highlightChanges(client, element);
  dialog.openFromAddress();
}
