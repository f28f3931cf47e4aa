/** Asks a question in its place on the page, instead of in a dialog of its own. */
import { copyOf } from "./rows";

export interface Choice {
  readonly label: string;
  readonly danger?: boolean;
  run(): void;
}

/**
 * Ask a question. The focus goes to the last button, `keep`, which changes nothing, and afterwards back to where it
 * was.
 */
export function ask(place: HTMLElement, text: string, choices: readonly Choice[], keep: Choice): void {
  const before = document.activeElement;
  place.querySelector("[data-question]")?.remove();
  const panel = copyOf("question");
  const actions = panel?.querySelector(".panel__actions");
  const line = panel?.querySelector("p");
  if (!panel || !actions || !line) return;
  panel.dataset["question"] = "";
  panel.setAttribute("aria-label", text);
  line.textContent = text;
  const end = (choice: Choice) => {
    panel.remove();
    if (before instanceof HTMLElement) before.focus();
    choice.run();
  };
  const buttons = [...choices, keep].map((choice) => button(choice, () => end(choice)));
  actions.replaceChildren(...buttons);
  place.append(panel);
  buttons.at(-1)?.focus();
  panel.scrollIntoView({ block: "nearest" });
}

/** Tell whether a question is open in a place. */
export function isAsking(place: HTMLElement): boolean {
  return place.querySelector("[data-question]") !== null;
}

/**
 * Have Escape first answer an open question with its last button, which changes nothing, and only then close the
 * dialog.
 */
export function keepAtEscape(dialog: HTMLDialogElement): void {
  const keep = (event: Event) => {
    const asked =
      dialog.querySelector("[data-question]:focus-within") ?? dialog.querySelector<HTMLElement>("[data-question]");
    if (asked === null) return;
    event.preventDefault();
    asked.querySelector<HTMLElement>(".panel__actions > :last-child")?.click();
  };
  // A browser fires `cancel` once, and closes the dialog at the next Escape in any case.
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) keep(event);
  });
  dialog.addEventListener("cancel", keep);
}

function button({ label, danger = false }: Choice, run: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = danger ? "button button--danger" : "button";
  made.textContent = label;
  made.addEventListener("click", run);
  return made;
}
