/** Shows one question at a time at the foot of the dialog of an item. */
import type { CalendarInfo } from "../../fullcalendar";

export class ItemPanels {
  constructor(private readonly body: HTMLElement) {}

  isOpen(): boolean {
    return this.opened() !== null;
  }

  /** Show one question in place of the buttons; `null`: the buttons. */
  show(name: string | null): void {
    const actions = this.body.querySelector<HTMLElement>("[data-actions]");
    const opened = this.opened()?.dataset["panel"];
    for (const panel of this.body.querySelectorAll<HTMLElement>("[data-panel]")) {
      panel.hidden = panel.dataset["panel"] !== name;
      // Never focus the button whose action cannot be undone.
      if (!panel.hidden) panel.querySelector<HTMLElement>("select, [data-panel-close]")?.focus();
    }
    if (actions) actions.hidden = name !== null;
    if (name === null) {
      const opener = this.body.querySelector<HTMLElement>(`[data-panel-open="${opened}"]`);
      (opener ?? this.body.querySelector<HTMLElement>("[data-close]"))?.focus();
    }
  }

  /** Offer the calendars to which an item may be moved. */
  offerPlaces(places: readonly CalendarInfo[]): void {
    const options = places.map((info) => new Option(info.name, info.id));
    const select = this.body.querySelector("[data-move-to]");
    select?.replaceChildren(...options);
    select?.addEventListener("input", (event) => event.stopPropagation()); // choosing one is not typing into the form
    const opener = this.body.querySelector<HTMLElement>('[data-panel-open="move"]');
    if (opener) opener.hidden = places.length === 0;
  }

  /** Return the calendar that was chosen, if any. */
  place(): string | undefined {
    return this.body.querySelector<HTMLSelectElement>("[data-move-to]")?.value;
  }

  private opened(): HTMLElement | null {
    return this.body.querySelector<HTMLElement>("[data-panel]:not([hidden])");
  }
}
