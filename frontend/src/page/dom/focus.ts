/** Keeps the focus in a sensible place when the element that had it is gone or replaced. */

const PLACES = ["#calendar", "#no-calendars [data-add-calendar]"];

export function keepFocus(): void {
  const focused = document.activeElement;
  // In a dialog that has just closed, a hidden element may still have the focus.
  if (focused !== document.body && focused?.checkVisibility()) return;
  // A hidden element takes no focus, so the place that is visible gets it.
  for (const place of PLACES) document.querySelector<HTMLElement>(place)?.focus({ preventScroll: true });
}

/** Replace the content of a place. The cursor stays in its field, which is known by its id, and the place scrolled. */
export function keepCursor(place: HTMLElement, replace: () => void): void {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const { selectionStart = null, selectionEnd = null } =
    focused instanceof HTMLInputElement || focused instanceof HTMLTextAreaElement ? focused : {};
  const top = place.querySelector(".dialog__content")?.scrollTop ?? 0;
  replace();
  const field = focused?.id ? document.getElementById(focused.id) : null;
  field?.focus({ preventScroll: true });
  if (selectionStart !== null && (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement))
    field.setSelectionRange(selectionStart, selectionEnd);
  place.querySelector(".dialog__content")?.scrollTo({ top });
}
