/** Reads what the server wrote into the page of a public link. */

import type { SignText } from "../page/notice/connection-sign";
import type { AppearancePage } from "../page/view/appearance";

export interface PublicData extends AppearancePage {
  /** The calendar's id. */
  readonly calendar: string;
  /** The link's token. */
  readonly link: string;
  readonly apiUrl: string;
  readonly socketUrl: string;
  readonly texts: AppearancePage["texts"] & Readonly<Record<SignText | "busy" | "notLoaded" | "notShown", string>>;
}

/** Return the page's data, or null on a page without any. */
export function readPublicData(): PublicData | null {
  const text = document.getElementById("page-data")?.textContent;
  return text ? (JSON.parse(text) as PublicData) : null;
}
