/** Reads what the server wrote into the page for its scripts, and fills in its texts. */

import type { UndoKind } from "../../fullcalendar";

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
  | "notLoaded"
  | "notShown"
  | "deletedWhileMoving"
  | "deletedWhileOpen"
  | "takenAwayWhileOpen"
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
  | "deletionRefused"
  | "moveRefused"
  | "unexpected"
  | "copied"
  | "notCopied"
  | "copyByHand"
  | "linkCopied"
  | "codeCopied"
  | "linkUntil"
  | "linkEnded"
  | "linkSites"
  | "addressOf"
  | "codeOf"
  | "copyLinkOf"
  | "changeLink"
  | "withdrawLink"
  | "withdrawLinkAsk"
  | "dateWrong"
  | "firstTime"
  | "secondTime"
  | "forYou"
  | "undo"
  | "undone"
  | "deletedTree"
  | "deletedTreeBy"
  | "undoRefused"
  | "undoFailed"
  | "notThere"
  | "undonePartly"
  | "save"
  | "create"
  | "newCalendar"
  | "editCalendar"
  | "editNamed"
  | "calendarShared"
  | "calendarLeft"
  | "share"
  | "people"
  | "close"
  | "cancel"
  | "shareTitle"
  | "peopleTitle"
  | "peopleHidden"
  | "peopleLoading"
  | "isYou"
  | "roleOf"
  | "removeNamed"
  | "removeAsk"
  | "remove"
  | "ownerAsk"
  | "ownerToo"
  | "handOver"
  | "offerAsk"
  | "offerAskInPlace"
  | "offerAnswer"
  | "withdrawOfferTo"
  | "leaveAsk"
  | "leaveLast"
  | "leave"
  | "shareAdded"
  | "shareInvited"
  | "shareNotMailed"
  | "invitedAbout"
  | "invitedNotMailed"
  | "sendAgainTo"
  | "withdrawNamed"
  | "withdrawAsk"
  | "withdraw"
  | "toMissing"
  | "shareNoConnection"
  | "roleLowered"
  | "calendarGoneWhileOpen"
  | "calendarGoneWhileTyping"
  | "nowReadOnly"
  | "trashCalendarAbout"
  | "moveNamed"
  | "movedTo"
  | "orderFailed"
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
  | "notSaved"
  | "savedLater"
  /** What was done, to one item or many, by somebody else or by the user. */
  | `${UndoKind}${"One" | "Many"}${"By" | ""}`;

export interface PageData {
  readonly userId: string;
  /** The user's calendars, as `GET calendars/` answers them. */
  readonly calendars: unknown;
  readonly apiUrl: string;
  readonly socketUrl: string;
  readonly newUrl: string;
  /** Contains `{calendar}` and `{item}`. */
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

const SHORT_TITLE = 60; // a line and a half of a toast on a phone

/** Return a title short enough for a toast, which covers what is below it. */
export function shortTitle(title: string): string {
  const letters = [...title];
  return letters.length <= SHORT_TITLE
    ? title
    : `${letters
        .slice(0, SHORT_TITLE - 1)
        .join("")
        .trimEnd()}…`;
}

/** Fill in the `{name}` places of a text. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}
