/** Shows short messages at the edge of the screen that disappear by themselves. */

const STAY_MS = 7_000;
const SHORT_MS = 2_500;
/** Long enough to read the offer, think, and reach the button. */
const OFFER_MS = 12_000;
const AT_MOST = 3;

/** What a toast offers to do. */
export interface ToastAction {
  readonly label: string;
  readonly run: () => void;
}

/** A toast on the screen. */
export interface Toast {
  remove(): void;
}

export class Toasts {
  private readonly box = document.getElementById("toasts");
  private readonly template = document.querySelector<HTMLTemplateElement>("#toast-template");

  constructor() {
    // A closed dialog shows nothing that is in it, so the toasts leave it. `close` does not bubble.
    document.addEventListener("close", () => this.box?.childElementCount && this.raise(), true);
  }

  /** Say that something worked. */
  confirm(text: string): void {
    this.show(text, SHORT_MS);
  }

  /** Say something, unless a toast says it already. */
  once(text: string): void {
    const lines = [...(this.box?.querySelectorAll(".toast__text") ?? [])];
    if (!lines.some((line) => line.textContent === text)) this.show(text);
  }

  show(text: string, stayMs = STAY_MS): Toast {
    return this.add(text, stayMs);
  }

  /** Say something, with a button that undoes or does it. */
  offer(text: string, action: ToastAction): Toast {
    return this.add(text, OFFER_MS, action);
  }

  private add(text: string, stayMs: number, action?: ToastAction): Toast {
    const toast = this.template?.content.firstElementChild?.cloneNode(true);
    if (!this.box || !(toast instanceof HTMLElement)) return { remove: () => {} };
    const line = toast.querySelector(".toast__text");
    if (line) line.textContent = text;
    const button = toast.querySelector<HTMLElement>(".toast__action");
    if (button && action) {
      button.textContent = action.label;
      button.hidden = false;
      button.addEventListener("click", action.run);
    }
    toast.querySelector(".toast__close")?.addEventListener("click", () => this.remove(toast));
    while (this.box.childElementCount >= AT_MOST) this.box.firstElementChild?.remove();
    this.raise();
    this.box.append(toast);
    this.removeLater(toast, stayMs);
    return { remove: () => this.remove(toast) };
  }

  /** Put the toasts inside the topmost dialog, because outside of it nothing can be clicked. */
  private raise(): void {
    if (!this.box) return;
    const host = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
    if (this.box.parentElement === host && this.box.matches(":popover-open")) return;
    if (this.box.matches(":popover-open")) this.box.hidePopover();
    if (this.box.parentElement !== host) host.append(this.box);
    this.box.showPopover();
  }

  private removeLater(toast: HTMLElement, stayMs: number): void {
    let timer = setTimeout(() => this.remove(toast), stayMs);
    for (const pause of ["pointerenter", "focusin"]) toast.addEventListener(pause, () => clearTimeout(timer));
    for (const go of ["pointerleave", "focusout"]) {
      toast.addEventListener(go, () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.remove(toast), stayMs);
      });
    }
  }

  private remove(toast: HTMLElement): void {
    if (toast.contains(document.activeElement)) document.getElementById("calendar")?.focus({ preventScroll: true });
    toast.remove();
    if (this.box?.childElementCount === 0 && this.box.matches(":popover-open")) this.box.hidePopover();
  }
}
