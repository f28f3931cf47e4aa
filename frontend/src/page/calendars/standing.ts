/** Shows what the user may do on the page, as their roles change: create items, or a first calendar. */
import type { Calendar } from "fullcalendar";
import { type LiveClient, mayEdit } from "../../fullcalendar";

interface Parts {
  readonly client: LiveClient;
  readonly calendar: Calendar;
  readonly element: HTMLElement;
}

/** Show what the user may do now, and again with each change of their calendars and roles. */
export function followStanding({ client, calendar, element }: Parts): void {
  const openers = document.querySelectorAll<HTMLElement>("[data-new]");
  const none = document.getElementById("no-calendars");
  const show = () => {
    const calendars = client.calendars();
    const mayCreate = calendars.some(mayEdit);
    for (const opener of openers) opener.hidden = !mayCreate;
    calendar.setOption("selectable", mayCreate);
    const isEmpty = calendars.length === 0;
    const [hidden, shown] = isEmpty ? [element, none?.querySelector("button")] : [none, element];
    const hadFocus = hidden?.contains(document.activeElement);
    if (none) none.hidden = !isEmpty;
    element.hidden = isEmpty;
    if (hadFocus) shown?.focus({ preventScroll: true }); // a hidden element keeps no focus
  };
  client.on("calendarsChanged", show);
  show();
}
