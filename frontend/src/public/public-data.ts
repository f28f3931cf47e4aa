/** What the server wrote into the page of a public link. */

import type { SignText } from "../page/notice/connection-sign";
import type { Looks } from "../page/view/calendar-view";

export interface PublicData extends Looks {
  /** The calendar's id. */
  readonly calendar: string;
  /** The link's token. */
  readonly link: string;
  readonly apiUrl: string;
  readonly socketUrl: string;
  readonly texts: Looks["texts"] & Readonly<Record<SignText | "busy" | "notLoaded" | "notShown", string>>;
}

/** Return the page's data, or null on a page without any. */
export function readPublicData(): PublicData | null {
  const text = document.getElementById("page-data")?.textContent;
  return text ? (JSON.parse(text) as PublicData) : null;
}
