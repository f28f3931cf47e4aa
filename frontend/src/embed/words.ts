/** Turns the attributes of the embedding element into the words of the widget. */

/** The attributes of the widget's element that are words for the page's visitors. */
type Words = Readonly<Partial<Record<"allDay" | "more" | "noItems", string | undefined>>>;

/** FullCalendar's options that are words. */
interface Options {
  readonly allDayText?: string;
  readonly moreLinkText?: (count: number) => string;
  readonly noEventsText?: string;
}

/**
 * Return the words that a page has for its visitors. Without them, FullCalendar shows its own words, which are English.
 */
export function wordsOf({ allDay, more, noItems }: Words): Options {
  return {
    ...(allDay === undefined ? {} : { allDayText: allDay }),
    ...(more === undefined ? {} : { moreLinkText: (count: number) => more.replace("{count}", String(count)) }),
    ...(noItems === undefined ? {} : { noEventsText: noItems }),
  };
}
