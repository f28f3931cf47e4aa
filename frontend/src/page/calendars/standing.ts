/** Keeps the page in step with where one stands: what offers to create, and the word that there is no calendar yet. Decides no rights. */
import type { Calendar } from "fullcalendar";
import { type LiveClient, mayEdit } from "../../fullcalendar";

interface Parts {
  readonly client: LiveClient;
  readonly calendar: Calendar;
  readonly element: HTMLElement;
  /** Whether one's calendars could be read; if not, they come with the socket. */
  readonly isKnown: boolean;
}

/** Show what one may do now, and from now on with each change of one's calendars and roles. */
export function followStanding({ client, calendar, element, isKnown }: Parts): void {
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
    if (hadFocus) shown?.focus({ preventScroll: true }); // what is hidden keeps none
  };
  client.on("calendarsChanged", show);
  if (isKnown) show();
}
