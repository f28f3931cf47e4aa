/** Runs the dialog of an item: opens the server's form, and keeps what is typed while others change the item. */
import htmx from "htmx.org";
import {
  type CalendarInfo,
  type HeldItemEvent,
  type ItemKey,
  type LiveClient,
  mayEdit,
  type State,
} from "../../fullcalendar";
import { find } from "../dom/find";
import { keepCursor } from "../dom/focus";
import { sendOnce } from "../dom/sending";
import { checkTyped, watchTyped } from "../dom/typed";
import type { Toasts } from "../notice/toasts";
import type { Span } from "../view/new-span";
import { fill, type PageData, type TextName } from "../words/page-data";
import { askComparison, askView, hearAnswers } from "./item-answers";
import { ItemForm, offerTimeZones } from "./item-form";
import { ItemNews } from "./item-news";
import { ItemNotices } from "./item-notices";
import { ItemPanels } from "./item-panels";
import { moveItem, removeItem } from "./item-removal";
import { remember, remembered } from "./last-calendar";
import { explainHere } from "./local-time";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
}

export class ItemDialog {
  onClose: () => void = () => {};
  /** Proposes when a new item begins; null leaves that to the server. */
  newSpan: () => Span | null = () => null;
  /** Called when a form was saved or has created an item. `text` says so. */
  onSaved: (state: State, created: boolean, text: string) => void = () => {};
  private readonly dialog = find<HTMLDialogElement>(document, "#item-dialog");
  private readonly body = find(document, "#item-dialog-body");
  private readonly panels = new ItemPanels(this.body);
  private readonly notices: ItemNotices;
  private form: ItemForm | null = null;
  private key: ItemKey | null = null;
  private moving = false;
  private release: () => void = () => {};
  /** Counts the clicks on items, because only the last of several in a row counts. */
  private asked = 0;
  /** Counts the comparisons that the page asks for by itself. Only the last one counts. */
  private compared = 0;

  constructor(private readonly parts: Parts) {
    this.notices = new ItemNotices(this.body, parts);
    offerTimeZones();
    this.dialog.addEventListener("click", (event) => this.clicked(event));
    // Captured, so that it runs before htmx, which would wait for the answer.
    this.dialog.addEventListener("click", (event) => this.deleteClicked(event), { capture: true });
    // A browser fires `cancel` once, and closes the dialog at the next Escape in any case.
    this.dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) this.leaveAt(event);
    });
    this.dialog.addEventListener("cancel", (event) => this.leaveAt(event));
    this.dialog.addEventListener("close", () => this.closed());
    hearAnswers(this.dialog, this.body, parts.page, {
      filled: () => {
        this.readForm();
        this.focusFirst();
      },
      complain: (text, signedOut) => this.notices.complain(text, signedOut),
    });
    document.addEventListener("workItemSaved", (event) =>
      this.saved(event as CustomEvent<ItemKey & { readonly state: State }>),
    );
    this.hearNews();
    watchTyped(() => this.form?.isDirty() ?? false);
    for (const button of document.querySelectorAll("[data-new]")) {
      button.addEventListener("click", () => void this.create(this.newSpan()));
    }
  }

  /** Tell whether the dialog of this item is open. */
  shows({ id, calendar }: ItemKey): boolean {
    return this.key?.id === id && this.key.calendar === calendar;
  }

  /** Tell whether a change is the push of this form's own save or move, which came before its answer. */
  made({ own, mutationId }: Pick<HeldItemEvent, "own" | "mutationId">): boolean {
    if (this.moving && own) return true;
    return mutationId !== null && this.form?.value("mutation_id") === mutationId;
  }

  /** Open the form of a new item. */
  async create(span: Span | null): Promise<void> {
    const query = new URLSearchParams({ timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone });
    const last = remembered();
    if (last) query.set("calendar", last);
    if (span) {
      query.set("start", span.start);
      query.set("end", span.end);
      query.set("allDay", String(span.allDay));
    }
    await this.show(`${this.parts.page.newUrl}?${query}`, null);
  }

  /** Open an item. */
  async open(key: ItemKey): Promise<void> {
    await this.show(this.editUrl(key), key);
  }

  /** Open the item that the address names: `#<calendar>/<item>`. */
  openFromAddress(): void {
    const [, calendar, id] = /^#([0-9a-f-]{36})\/([0-9a-f-]{36})$/.exec(location.hash) ?? [];
    if (!calendar || !id) return;
    history.replaceState(null, "", location.pathname + location.search);
    void this.open({ calendar, id });
  }

  private editUrl(key: ItemKey): string {
    return fill(this.parts.page.editUrl, { calendar: key.calendar, item: key.id });
  }

  private async show(url: string, key: ItemKey | null): Promise<void> {
    const turn = ++this.asked;
    // Hold the item from the click on, so that, until the form closes, the picture shows what the form was filled with.
    const release = key ? this.parts.client.hold(key) : () => {};
    const html = await askView(url, this.parts);
    if (html === null || turn !== this.asked || this.dialog.open) return release();
    this.key = key;
    this.release = release;
    this.fillIn(html);
    this.dialog.showModal();
    this.focusFirst();
  }

  private async showAgain(key: ItemKey): Promise<void> {
    const html = await askView(this.editUrl(key), this.parts);
    if (html !== null && this.shows(key)) this.fillIn(html);
  }

  /** Ask until an answer has everything that is typed. Without an answer, the notice offers to compare. */
  private async compareAgain(key: ItemKey): Promise<void> {
    const { form } = this;
    const turn = ++this.compared;
    if (form === null || this.panels.isOpen()) return;
    const typed = form.typedFields();
    const html = await askComparison(this.editUrl(key), typed, this.parts.page);
    if (html === null || this.form !== form || turn !== this.compared || this.panels.isOpen()) return;
    if (String(form.typedFields()) !== String(typed)) return this.compareAgain(key);
    keepCursor(this.body, () => this.fillIn(html));
    if (document.activeElement === document.body) this.focusFirst();
  }

  private fillIn(html: string): void {
    this.body.innerHTML = html;
    htmx.process(this.body);
    this.readForm();
  }

  private readForm(): void {
    const form = this.body.querySelector("form");
    this.form = form && new ItemForm(form, this.parts.page);
    checkTyped();
    if (form === null) this.explainDetails();
    this.panels.offerPlaces(this.places());
  }

  private explainDetails(): void {
    const item = this.key && this.parts.client.item(this.key);
    const hint = this.body.querySelector<HTMLElement>("[data-local-hint]");
    if (!item || !hint || item.allDay) return;
    explainHere(hint, this.parts.page, { zone: item.timeZone, span: [new Date(item.start), new Date(item.end)] });
  }

  /** Return the calendars to which the item may be moved: those that the user may edit, except its own. */
  private places(): readonly CalendarInfo[] {
    return this.parts.client.calendars().filter((info) => mayEdit(info) && info.id !== this.key?.calendar);
  }

  private focusFirst(): void {
    const first = [
      '[aria-invalid="true"]:not([type="hidden"])',
      ".notice--conflict button",
      "[autofocus]",
      "h2", // not the button to close, whose focus ring would draw all attention
    ];
    for (const selector of first) {
      const found = this.body.querySelector<HTMLElement>(selector);
      if (found) return found.focus();
    }
  }

  // Answers of the server

  private saved(event: CustomEvent<ItemKey & { readonly state: State }>): void {
    remember(event.detail.calendar);
    this.onSaved(event.detail.state, this.key === null, this.text(this.key ? "saved" : "created"));
    this.dialog.close();
  }

  private hearNews(): void {
    const { client, page, toasts } = this.parts;
    const { notices, panels } = this;
    new ItemNews(
      { client, page, toasts, notices, panels },
      {
        now: () => ({ isOpen: this.dialog.open, key: this.key, form: this.form }),
        made: (news) => this.made(news),
        compareAgain: (key) => this.compareAgain(key),
        showAgain: (key) => this.showAgain(key),
        close: () => this.dialog.close(),
      },
    );
  }

  // Deleting and moving

  private remove(button: HTMLElement): void {
    const { key } = this;
    const state = this.form?.state();
    if (key === null || !state) return;
    const children = button.dataset["delete"] === "reparent" ? "reparent" : "delete";
    void removeItem(this.parts, key, { state, children });
    this.dialog.close();
  }

  private async move(): Promise<void> {
    const { key } = this;
    const to = this.panels.place();
    const state = this.form?.state();
    if (key === null || !to || !state) return;
    if (this.form?.isDirty()) return this.notices.complain(this.text("saveFirst"));
    this.moving = true;
    const problem = await moveItem(this.parts, key, { state, to });
    this.moving = false;
    if (!this.shows(key)) return;
    if (problem === null) this.dialog.close();
    else this.notices.complain(problem);
  }

  // Panels and leaving

  private deleteClicked(event: MouseEvent): void {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-delete]") : null;
    if (button === null) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.remove(button);
  }

  private clicked(event: MouseEvent): void {
    if (!(event.target instanceof Element)) return;
    if (event.target === this.dialog) return this.leave(); // on the backdrop
    const button = event.target.closest("button");
    if (!button) return;
    if ("close" in button.dataset) this.leave();
    else if ("discard" in button.dataset) this.dialog.close();
    else if ("panelClose" in button.dataset) this.panels.show(null);
    else if (button.dataset["panelOpen"]) this.panels.show(button.dataset["panelOpen"]);
    else if ("copy" in button.dataset) void this.notices.copy(this.form?.asText() ?? "");
    else if ("moveItem" in button.dataset && this.form) void sendOnce(this.form.element, () => this.move(), button);
  }

  private leaveAt(event: Event): void {
    event.preventDefault();
    this.leave();
  }

  private leave(): void {
    if (this.panels.isOpen()) return this.panels.show(null);
    if (this.form?.isDirty()) return this.panels.show("discard");
    this.dialog.close();
  }

  private closed(): void {
    const key = this.key;
    this.release();
    this.release = () => {};
    this.key = null;
    this.form = null;
    this.body.replaceChildren();
    this.onClose();
    // FullCalendar keeps a click from moving the focus, so the browser does not know where it was. A deleted item is
    // still painted.
    const shown = key && this.parts.client.item(key) && `#calendar [data-item="${CSS.escape(key.id)}"]`;
    const item = shown ? document.querySelector<HTMLElement>(shown) : null;
    if (item) item.focus({ preventScroll: true });
    else if (key || document.activeElement === document.body)
      find(document, "#calendar").focus({ preventScroll: true });
  }

  private text(name: TextName): string {
    return this.parts.page.texts[name];
  }
}
