/** Says when something in another time zone happens in the reader's own. */
import { Temporal } from "temporal-polyfill";
import { readerLocale } from "../words/locale";
import { fill, type PageData } from "../words/page-data";

/** Write a span into a hint. The hint is hidden if there is no span, or if the zone is the reader's own. */
export function explainHere(
  hint: HTMLElement,
  page: PageData,
  { zone, span }: { readonly zone: string; readonly span: readonly [Date, Date] | null },
): void {
  const here = Temporal.Now.timeZoneId();
  const when = span === null || zone === here ? null : inZone(span, here);
  hint.hidden = when === null;
  hint.textContent = when === null ? "" : fill(page.texts.forYou, { zone: here, when });
}

function inZone([start, end]: readonly [Date, Date], timeZone: string): string | null {
  try {
    const format = new Intl.DateTimeFormat(readerLocale(), { dateStyle: "medium", timeStyle: "short", timeZone });
    return format.formatRange(start, end);
  } catch {
    return null; // the end is before the start
  }
}
