/** Keeps a form from being sent again while it is being sent. */

/** The places that are occupied, each with the function that frees it. */
const busy = new WeakMap<Element, () => void>();

/**
 * A browser does not tell when it gives up on the page that a form leads to. After this time the form may be sent
 * again.
 */
const GIVEN_UP_MS = 10_000;

/**
 * Send something from a place, such as a form, unless something is under way there. Until it is done, its button (by
 * default every button that submits the form) is marked as busy. The button is not disabled, because it would lose the
 * focus.
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

/** Free a place that now shows something else, whatever is still under way. */
export function startAnew(place: HTMLElement): void {
  busy.get(place)?.();
}

function occupy(place: Element, button?: HTMLElement): () => void {
  const buttons = button ? [button] : submitters(place);
  mark(buttons, true);
  const free = () => {
    if (busy.get(place) !== free) return; // the place was freed and occupied again since
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

/** Guard every form of the page from now on, including those that htmx sends and those that lead to another page. */
export function guardForms(): void {
  // Captured, so that these run before all other listeners.
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
    // A script that sends a form occupies it itself. A form that only reads may be sent again.
    if (defaultPrevented || !(target instanceof HTMLFormElement) || target.method !== "post") return;
    const free = occupy(target);
    setTimeout(free, GIVEN_UP_MS);
    addEventListener("pageshow", free, { once: true }); // the user is back from the page that it led to
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

/** Return the form that htmx sends, and the button that sends it, if any; null for a GET. */
function sentByHtmx(event: Event): { readonly form: HTMLElement; readonly button?: HTMLElement } | null {
  const { ctx } = (event as CustomEvent<HtmxDetail>).detail;
  const source = ctx?.sourceElement;
  if (!(source instanceof HTMLElement) || (ctx?.request?.method ?? "GET") === "GET") return null;
  if (source instanceof HTMLFormElement) return { form: source };
  const form = source.closest("form");
  return form && { form, button: source };
}
