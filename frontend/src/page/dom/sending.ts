/** What is sent from a place of the page is sent once: while it is under way, nothing more is begun there. Never decides what is sent. */

/** The places in which something is under way, and how each is freed. */
const busy = new WeakMap<Element, () => void>();

/** A browser tells nobody that it gave up on a page it was sent to: then the form may be sent again. */
const GIVEN_UP_MS = 10_000;

/**
 * Do something in a place, such as a form, unless something is under way there. Meanwhile its button (a form's: those that submit it) says
 * that it waits; it keeps the focus, which a disabled one would lose.
 */
export async function sendOnce(place: HTMLElement, send: () => Promise<unknown>, button?: HTMLElement): Promise<void> {
  if (busy.has(place)) return;
  const free = occupy(place, button);
  try {
    await send();
  } finally {
    free();
  }
}

/** Let something new begin in a place, whatever is under way: it is about something else now. */
export function startAnew(place: HTMLElement): void {
  busy.get(place)?.();
}

function occupy(place: Element, button?: HTMLElement): () => void {
  const buttons = button ? [button] : submitters(place);
  mark(buttons, true);
  const free = () => {
    if (busy.get(place) !== free) return; // it was begun anew since
    busy.delete(place);
    mark(buttons, false);
  };
  busy.set(place, free);
  return free;
}

function submitters(place: Element): HTMLElement[] {
  if (place.matches("button")) return [place as HTMLElement];
  return [...place.querySelectorAll<HTMLElement>("button:not([type]), button[type=submit]")];
}

function mark(buttons: readonly HTMLElement[], on: boolean): void {
  for (const button of buttons) {
    for (const name of ["aria-busy", "aria-disabled"]) {
      if (on) button.setAttribute(name, "true");
      else button.removeAttribute(name);
    }
  }
}

/** Guard every form of the page from now on, also those that htmx sends, and those that lead to another page. */
export function guardForms(): void {
  // Before whoever else hears of it.
  document.addEventListener("submit", refuseWhileBusy, { capture: true });
  document.addEventListener("click", refuseWaiting, { capture: true });
  document.addEventListener("htmx:before:request", (event) => {
    const sent = sentByHtmx(event);
    if (sent) occupy(sent.form, sent.button);
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const sent = sentByHtmx(event);
    if (sent) startAnew(sent.form);
  });
  addEventListener("submit", ({ target, defaultPrevented }) => {
    // A script that sends something occupies the form itself; what only asks may be asked again.
    if (defaultPrevented || !(target instanceof HTMLFormElement) || target.method !== "post") return;
    const free = occupy(target);
    setTimeout(free, GIVEN_UP_MS);
    addEventListener("pageshow", free, { once: true }); // back from the page it led to
  });
}

function refuseWhileBusy(event: Event): void {
  if (event.target instanceof Element && busy.has(event.target)) refuse(event);
}

function refuseWaiting(event: Event): void {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  if (button?.getAttribute("aria-disabled") === "true") refuse(event);
}

function refuse(event: Event): void {
  event.preventDefault();
  event.stopImmediatePropagation();
}

interface HtmxDetail {
  readonly ctx?: { readonly sourceElement?: unknown; readonly request?: { readonly method?: string } };
}

/** Return what htmx sends, and by which button of it if by one; null for what only asks. */
function sentByHtmx(event: Event): { readonly form: HTMLElement; readonly button?: HTMLElement } | null {
  const { ctx } = (event as CustomEvent<HtmxDetail>).detail;
  const source = ctx?.sourceElement;
  if (!(source instanceof HTMLElement) || (ctx?.request?.method ?? "GET") === "GET") return null;
  if (source instanceof HTMLFormElement) return { form: source };
  const form = source.closest("form");
  return form && { form, button: source };
}
