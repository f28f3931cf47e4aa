/** Tells in which locale to write dates and numbers, and on which day a week begins. */

/** Return the browser's locale, or the page's if the browser names none that exists (such as "en-US@posix"). */
export function readerLocale(): string {
  return navigator.languages.find(isLocale) ?? document.documentElement.lang;
}

/** Return the reader's variant of the page's language, such as "en-GB" on a page in "en". */
export function pageLocale(): string {
  const { lang } = document.documentElement;
  return navigator.languages.find((one) => isLocale(one) && (one === lang || one.startsWith(`${lang}-`))) ?? lang;
}

/** Return the reader's first day of the week, as FullCalendar counts: 0 is Sunday. */
export function firstDay(): number {
  const locale = new Intl.Locale(readerLocale()) as Intl.Locale & {
    readonly weekInfo?: { readonly firstDay: number };
    readonly getWeekInfo?: () => { readonly firstDay: number };
  };
  return (locale.getWeekInfo?.().firstDay ?? locale.weekInfo?.firstDay ?? 1) % 7;
}

function isLocale(name: string): boolean {
  try {
    return Intl.getCanonicalLocales(name).length > 0;
  } catch {
    return false;
  }
}
