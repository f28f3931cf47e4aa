/** What the server wrote into the page for its scripts. */

import type { UndoKind } from "../fullcalendar";

export type TextName =
  | "live"
  | "connecting"
  | "reconnecting"
  | "offline"
  | "signedOut"
  | "stopped"
  | "liveHint"
  | "liveByRequestsHint"
  | "reconnectingHint"
  | "signedOutHint"
  | "stoppedHint"
  | "signIn"
  | "reload"
  | "busy"
  | "noItems"
  | "more"
  | "allDay"
  | "saved"
  | "created"
  | "deletedWhileMoving"
  | "deletedWhileOpen"
  | "changedWhileOpen"
  | "someone"
  | "you"
  | "calendarGone"
  | "calendarDeleted"
  | "notMoved"
  | "changedMeanwhile"
  | "noConnection"
  | "notAllowed"
  | "couldNotOpen"
  | "couldNotSave"
  | "notDone"
  | "unexpected"
  | "copied"
  | "notCopied"
  | "forYou"
  | "undo"
  | "undone"
  | "undoRefused"
  | "undoFailed"
  | "undonePartly"
  | "newCalendar"
  | "editCalendar"
  | "editNamed"
  | "trashEmpty"
  | "trashLoading"
  | "trashAbout"
  | "notRestored"
  | "changedMeanwhileBy"
  | "notDeleted"
  | "saveFirst"
  | "theseItems"
  | "somebody"
  | "youInSentence"
  | "savedLater"
  /** What was done, to one or many, by somebody or by oneself. */
  | `${UndoKind}${"One" | "Many"}${"By" | ""}`;

export interface PageData {
  readonly userId: string;
  readonly apiUrl: string;
  readonly socketUrl: string;
  readonly newUrl: string;
  /** With `{calendar}` and `{item}` in it. */
  readonly editUrl: string;
  readonly loginUrl: string;
  readonly texts: Readonly<Record<TextName, string>>;
  /** Labels of statuses and priorities by their value on the wire. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Return the page's data, or null on a page without any. */
export function readPageData(): PageData | null {
  const text = document.getElementById("page-data")?.textContent;
  return text ? (JSON.parse(text) as PageData) : null;
}

/** Fill `{name}` places of a text. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}
