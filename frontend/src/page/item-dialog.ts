/** The dialog of one item: opens the server's form, keeps what was typed through others' changes, and gives the focus back. */
import htmx from "htmx.org";
import { type HeldItemEvent, type ItemKey, type LiveClient, readDeleted, type State } from "../fullcalendar";
import { reasonOf } from "./calendar-view";
import { find } from "./find";
import type { HtmxEvent } from "./htmx-wiring";
import { ItemForm, offerTimeZones } from "./item-form";
import { remember, remembered } from "./last-calendar";
import { fill, type PageData, type TextName } from "./page-data";
import { mayEdit } from "./roles";
import type { Toasts } from "./toasts";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
}

interface Span {
  readonly start: string;
  readonly end: string;
  readonly allDay: boolean;
}

/** Sent by every view of the dialog: what lacks it (a proxy's error page, a sign-in page) is never put into it. */
const MINE = "Calendar-Dialog";

export class ItemDialog {
  onClose: () => void = () => {};
  /** A form was saved, or made an item; `text` says so. */
  onSaved: (state: State, created: boolean, text: string) => void = () => {};
  private readonly dialog = find<HTMLDialogElement>(document, "#item-dialog");
  private readonly body = find(document, "#item-dialog-body");
  private form: ItemForm | null = null;
  private key: ItemKey | null = null;
  private moving = false;
  private isRightless = false;
  private release: () => void = () => {};
  /** Of several clicks in a row the last one counts. */
  private asked = 0;

  constructor(private readonly parts: Parts) {
    offerTimeZones();
    this.dialog.addEventListener("click", (event) => this.clicked(event));
    // Before htmx, whose button waits for the answer.
    this.dialog.addEventListener("click", (event) => this.deleteClicked(event), { capture: true });
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.leave();
    });
    this.dialog.addEventListener("close", () => this.closed());
    this.listenToHtmx();
    document.addEventListener("workItemSaved", (event) =>
      this.saved(event as CustomEvent<ItemKey & { readonly state: State }>),
    );
    document.addEventListener("workItemDeleted", (event) => this.deleted(event as CustomEvent<unknown>));
    parts.client.on("heldItemChanged", (news) => this.tell(news));
    parts.client.on("calendarsChanged", () => this.rightsChanged());
    parts.client.on("calendarGone", ({ calendar }) => this.calendarGone(calendar));
    for (const button of document.querySelectorAll("[data-new]")) {
      button.addEventListener("click", () => void this.create(null));
    }
  }

  /** Tell whether the dialog of this item is open. */
  shows({ id, calendar }: ItemKey): boolean {
    return this.key?.id === id && this.key.calendar === calendar;
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
    // Held from the click on: what the form is filled with is what the picture shows until it closes.
    const release = key ? this.parts.client.hold(key) : () => {};
    const html = await this.fetch(url);
    if (html === null || turn !== this.asked || this.dialog.open) return release();
    this.key = key;
    this.release = release;
    this.fillIn(html);
    this.dialog.showModal();
    this.focusFirst();
  }

  private async showAgain(key: ItemKey): Promise<void> {
    const html = await this.fetch(this.editUrl(key));
    if (html !== null && this.shows(key)) this.fillIn(html);
  }

  private async fetch(url: string): Promise<string | null> {
    try {
      const response = await fetch(url, { headers: { "HX-Request": "true" }, cache: "no-store" });
      if (response.headers.has(MINE)) return await response.text();
      if (response.status === 401) this.signIn();
      else this.parts.toasts.show(this.text("unexpected"));
    } catch {
      this.parts.toasts.show(this.text("couldNotOpen"));
    }
    return null;
  }

  private fillIn(html: string): void {
    this.body.innerHTML = html;
    htmx.process(this.body);
    this.readForm();
  }

  private readForm(): void {
    const form = this.body.querySelector("form");
    this.form = form && new ItemForm(form, this.parts.page);
    this.isRightless = false;
    this.offerCalendars();
  }

  /** The calendars an item may be moved to: those one may edit, but its own. */
  private offerCalendars(): void {
    const places = this.parts.client.calendars().filter((info) => mayEdit(info) && info.id !== this.key?.calendar);
    const options = places.map((info) => new Option(info.name, info.id));
    const select = this.body.querySelector("[data-move-to]");
    select?.replaceChildren(...options);
    select?.addEventListener("input", (event) => event.stopPropagation()); // a choice, not something typed into the form
    const opener = this.body.querySelector<HTMLElement>('[data-panel-open="move"]');
    if (opener) opener.hidden = places.length === 0;
  }

  private focusFirst(): void {
    const first = [
      '[aria-invalid="true"]:not([type="hidden"])',
      ".notice--conflict button",
      "[autofocus]",
      "[data-close]",
    ];
    for (const selector of first) {
      const found = this.body.querySelector<HTMLElement>(selector);
      if (found) return found.focus();
    }
  }

  // What the server answers

  private listenToHtmx(): void {
    this.dialog.addEventListener("htmx:before:response", (event) => {
      const { ctx } = (event as HtmxEvent).detail;
      const status = ctx?.response?.status ?? 0;
      // A deletion is the API's: its answer is read below, and never swapped in.
      if (ctx?.response?.headers.has(MINE) || ctx?.request.method === "DELETE" || status === 204) return;
      event.preventDefault();
      this.complain(this.text(status === 401 ? "signedOutHint" : "unexpected"), status === 401);
    });
    this.dialog.addEventListener("htmx:response:error", (event) => {
      const { ctx } = (event as HtmxEvent).detail;
      if (ctx?.request.method !== "DELETE") return;
      this.complain(fill(this.text("notDone"), { reason: detailOf(ctx.text) }), ctx.response?.status === 401);
    });
    this.dialog.addEventListener("htmx:error", () => this.complain(this.text("couldNotSave")));
    this.dialog.addEventListener("htmx:after:swap", (event) => {
      if ((event as HtmxEvent).detail.ctx?.target !== this.body) return;
      this.readForm();
      this.focusFirst();
    });
  }

  private saved(event: CustomEvent<ItemKey & { readonly state: State }>): void {
    remember(event.detail.calendar);
    this.onSaved(event.detail.state, this.key === null, this.text(this.key ? "saved" : "created"));
    this.dialog.close();
  }

  private deleted(event: CustomEvent<unknown>): void {
    const gone = readDeleted(event.detail);
    if (gone === null) return;
    if (this.shows(gone)) this.dialog.close();
    this.parts.client.itemDeleted(gone);
  }

  /** Nothing is typed yet that would be lost by leaving. */
  private signIn(): void {
    location.assign(`${this.parts.page.loginUrl}?next=${encodeURIComponent(location.pathname + location.search)}`);
  }

  private complain(text: string, signedOut = false): void {
    const notice = this.body.querySelector<HTMLElement>("[data-problem]");
    const line = notice?.querySelector("[data-problem-text]");
    if (!notice || !line) return this.parts.toasts.show(text);
    line.textContent = text;
    const link = notice.querySelector<HTMLElement>("[data-problem-sign-in]");
    if (link) link.hidden = !signedOut;
    notice.hidden = false;
    notice.scrollIntoView({ block: "nearest" });
  }

  // What others did

  private tell(news: HeldItemEvent): void {
    // With other rights an item looks changed, too.
    if (!this.shows(news.key) || this.isOwnSave(news) || this.isRightless) return;
    const person = news.own ? this.text("you") : (news.actor?.name ?? this.text("someone"));
    const text = fill(this.text(news.change === "deleted" ? "deletedWhileOpen" : "changedWhileOpen"), { person });
    if (this.form === null) return this.tellReader(news, text);
    this.notify(news.change, text);
    if (news.change === "deleted") this.form.lock();
  }

  private notify(name: string, text: string): void {
    for (const notice of this.body.querySelectorAll<HTMLElement>("[data-news]")) {
      notice.hidden = notice.dataset["news"] !== name;
      const line = notice.hidden ? null : notice.querySelector("[data-news-text]");
      if (line) line.textContent = text;
      if (!notice.hidden) notice.scrollIntoView({ block: "nearest" });
    }
  }

  /** Who typed nothing is shown the item as it is. */
  private tellReader(news: HeldItemEvent, text: string): void {
    if (news.change === "changed") return void this.showAgain(news.key);
    this.dialog.close();
    this.parts.toasts.show(text);
  }

  /** Who may not change the calendar any more is shown the item as it is; what was typed stays to be copied. */
  private rightsChanged(): void {
    const { client, page, toasts } = this.parts;
    const { key, form } = this;
    const info = key && client.calendarInfo(key.calendar);
    if (!key || !info || !form || this.isRightless || mayEdit(info)) return;
    if (form.isDirty()) return this.lock("roleLowered");
    toasts.show(fill(page.texts.nowReadOnly, { name: info.name }));
    void this.showAgain(key);
  }

  /** That the calendar is gone, the sidebar tells. */
  private calendarGone(calendar: string): void {
    if (this.key?.calendar === calendar) {
      this.form?.isDirty() ? this.lock("calendarGoneWhileOpen") : this.dialog.close();
    } else if (this.dialog.open && this.key === null && this.form?.value("calendar") === calendar) {
      this.complain(this.text("calendarGoneWhileTyping"));
    }
  }

  private lock(name: TextName): void {
    this.isRightless = true;
    this.showPanel(null);
    this.notify("locked", this.text(name));
    this.form?.lock();
  }

  /** The push of this very form's save or deletion, ahead of its answer. */
  private isOwnSave(news: HeldItemEvent): boolean {
    if (this.moving && news.own) return true;
    return news.mutationId !== null && this.form?.value("mutation_id") === news.mutationId;
  }

  // Deleting and moving: what shows at once needs no open dialog

  private async remove(button: HTMLElement): Promise<void> {
    const { client, page, toasts } = this.parts;
    const { key } = this;
    const state = this.form?.value("state");
    if (key === null || !isStateText(state)) return;
    const item = client.item(key);
    const title = item && "title" in item ? item.title : "";
    const children = button.getAttribute("hx-delete")?.endsWith("=reparent") ? "reparent" : "delete";
    const answered = client.deleteItem(key, { state, children });
    this.dialog.close();
    const result = await answered;
    if (result.ok) return;
    const reason = reasonOf(result.error, page, client);
    toasts.show(fill(page.texts.notDeleted, { title, reason }));
  }

  private async move(): Promise<void> {
    const { client, page } = this.parts;
    const { key } = this;
    const to = this.body.querySelector<HTMLSelectElement>("[data-move-to]")?.value;
    const state = this.form?.value("state");
    if (key === null || !to || !isStateText(state)) return;
    if (this.form?.isDirty()) return this.complain(page.texts.saveFirst);
    this.moving = true;
    const result = await client.moveItem(key, to, { state });
    this.moving = false;
    if (!this.shows(key)) return;
    if (result.ok) this.dialog.close();
    else this.complain(fill(this.text("notDone"), { reason: reasonOf(result.error, page, client) }));
  }

  // Panels and leaving

  private deleteClicked(event: MouseEvent): void {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-delete]") : null;
    if (button === null) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void this.remove(button);
  }

  private clicked(event: MouseEvent): void {
    if (!(event.target instanceof Element)) return;
    if (event.target === this.dialog) return this.leave(); // the backdrop
    const button = event.target.closest("button");
    if (!button) return;
    if ("close" in button.dataset) this.leave();
    else if ("discard" in button.dataset) this.dialog.close();
    else if ("panelClose" in button.dataset) this.showPanel(null);
    else if (button.dataset["panelOpen"]) this.showPanel(button.dataset["panelOpen"]);
    else if ("copy" in button.dataset) void this.copy();
    else if ("moveItem" in button.dataset) void this.move();
  }

  private leave(): void {
    const panel = this.body.querySelector("[data-panel]:not([hidden])");
    if (panel) return this.showPanel(null);
    if (this.form?.isDirty()) return this.showPanel("discard");
    this.dialog.close();
  }

  private showPanel(name: string | null): void {
    const actions = this.body.querySelector<HTMLElement>("[data-actions]");
    const opened = this.body.querySelector<HTMLElement>("[data-panel]:not([hidden])")?.dataset["panel"];
    for (const panel of this.body.querySelectorAll<HTMLElement>("[data-panel]")) {
      panel.hidden = panel.dataset["panel"] !== name;
      if (!panel.hidden) panel.querySelector("button")?.focus();
    }
    if (actions) actions.hidden = name !== null;
    if (name === null) {
      const opener = this.body.querySelector<HTMLElement>(`[data-panel-open="${opened}"]`);
      (opener ?? this.body.querySelector<HTMLElement>("[data-close]"))?.focus();
    }
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.form?.asText() ?? "");
      this.parts.toasts.confirm(this.text("copied"));
    } catch {
      this.parts.toasts.show(this.text("notCopied"));
    }
  }

  private closed(): void {
    const key = this.key;
    this.release();
    this.release = () => {};
    this.key = null;
    this.form = null;
    this.body.replaceChildren();
    this.onClose();
    // FullCalendar keeps a click from moving the focus, so the browser does not know where it came from.
    const item = key && document.querySelector<HTMLElement>(`#calendar [data-item="${CSS.escape(key.id)}"]`);
    if (item) item.focus({ preventScroll: true });
    else if (key || document.activeElement === document.body)
      find(document, "#calendar").focus({ preventScroll: true });
  }

  private text(name: TextName): string {
    return this.parts.page.texts[name];
  }
}

function detailOf(text: string | undefined): string {
  try {
    return String((JSON.parse(text ?? "") as { readonly detail?: unknown }).detail ?? "");
  } catch {
    return "";
  }
}

function isStateText(text: string | undefined): text is State {
  return text !== undefined && /^\d+\.[0-9a-f]{16}$/.test(text);
}
