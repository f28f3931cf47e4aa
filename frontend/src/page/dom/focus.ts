/** Moves the focus to a sensible place when the element that had it is gone. */

const PLACES = ["#calendar", "#no-calendars [data-add-calendar]"];

export function keepFocus(): void {
  const focused = document.activeElement;
  // In a dialog that has just closed, a hidden element may still have the focus.
  if (focused !== document.body && focused?.checkVisibility()) return;
  // A hidden element takes no focus, so the place that is visible gets it.
  for (const place of PLACES) document.querySelector<HTMLElement>(place)?.focus({ preventScroll: true });
}
