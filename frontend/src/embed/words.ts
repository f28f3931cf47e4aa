/** Turns the attributes of the embedding element into the words of the widget. */

/** The attributes of the widget's element that are words for the page's visitors. */
type Words = Readonly<
  Partial<Record<"allDay" | "more" | "next" | "noItems" | "notLoaded" | "previous" | "today", string | undefined>>
>;

/** FullCalendar's options that are words. */
interface Options {
  readonly allDayText?: string;
  readonly moreLinkText?: (count: number) => string;
  readonly nextHint?: string;
  readonly noEventsText?: string;
  readonly prevHint?: string;
  readonly todayHint?: string;
  readonly todayText?: string;
}

/**
 * Return the words that a page has for its visitors. Without them, FullCalendar shows its own words, which are English.
 */
export function wordsOf({ allDay, more, next, noItems, previous, today }: Words): Options {
  return {
    ...(allDay === undefined ? {} : { allDayText: allDay }),
    ...(more === undefined ? {} : { moreLinkText: (count: number) => more.replace("{count}", String(count)) }),
    ...(next === undefined ? {} : { nextHint: next }),
    ...(noItems === undefined ? {} : { noEventsText: noItems }),
    ...(previous === undefined ? {} : { prevHint: previous }),
    ...(today === undefined ? {} : { todayText: today, todayHint: today }),
  };
}

/** Return what the widget shows in place of a calendar that could not be loaded. */
export function notLoaded({ notLoaded = "The calendar could not be loaded. Reload the page to try again." }: Words) {
  return notLoaded;
}
