/** Where the focus goes when what had it is gone from the page. Never takes it from what has it. */

const PLACES = ["#calendar", "#no-calendars [data-add-calendar]"];

export function keepFocus(): void {
  const focused = document.activeElement;
  // In a dialog that has just closed something may have it still, unseen.
  if (focused !== document.body && focused?.checkVisibility()) return;
  // What is hidden takes no focus.
  for (const place of PLACES) document.querySelector<HTMLElement>(place)?.focus({ preventScroll: true });
}
