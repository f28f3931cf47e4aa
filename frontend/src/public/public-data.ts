/** What the server wrote into the page of a public link. */

import type { Looks } from "../page/calendar-view";
import type { SignText } from "../page/connection-sign";

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
