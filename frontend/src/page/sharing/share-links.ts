/** Runs the owners' part of the share dialog, which creates, changes, copies and withdraws public links. */
import type { ApiError, LiveClient, PublicLink, Result, Sharing } from "../../fullcalendar";
import { copyText } from "../dom/copying";
import { find } from "../dom/find";
import { showRows } from "../dom/rows";
import { startAnew } from "../dom/sending";
import type { Toasts } from "../notice/toasts";
import type { PageData, TextName } from "../words/page-data";
import { NextEnd } from "./ends";
import { LinkForm } from "./link-form";
import { isLinkTyped, type LinkWishes, linkRows, openLink, type Readable } from "./link-rows";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
  /** Returns the calendar that is shown, if any. */
  calendar(): string | null;
  complain(error: ApiError | null): void;
  /** Read the lists again. */
  read(): Promise<void>;
  /** Do something, say so if it fails, and read the lists again. */
  change(act: (sharing: Sharing, calendar: string) => Promise<Result<unknown>>): Promise<boolean>;
}

export class ShareLinks {
  private readonly list: HTMLElement;
  private readonly adder: HTMLElement;
  private readonly form: LinkForm;
  /** A link that was created here and is not listed yet. */
  private made: string | null = null;
  private readonly nextEnd = new NextEnd();

  constructor(
    private readonly section: HTMLElement,
    private readonly parts: Parts,
  ) {
    this.list = find(section, "[data-links]");
    this.adder = find(section, "[data-add-link]");
    this.form = new LinkForm(find<HTMLFormElement>(section, "[data-new-link]"), "new", () => this.make());
    this.adder.addEventListener("click", () => {
      this.showForm(true);
      this.form.focus();
      this.form.element.scrollIntoView({ block: "nearest" });
    });
    find(this.form.element, "[data-put-away]").addEventListener("click", () => {
      this.showForm(false);
      this.adder.focus();
    });
  }

  /** Forget everything, for example before another calendar is shown. */
  clear(): void {
    this.made = null;
    startAnew(this.form.element);
    this.showForm(false);
    this.show(null);
  }

  /**
   * List a calendar's links for an owner (null: none), and keep what is open and typed. A link that ends is shown as
   * ended.
   */
  show(links: readonly PublicLink[] | null): void {
    this.section.hidden = links === null;
    this.nextEnd.await(
      (links ?? []).map((link) => link.expiresAt),
      () => this.show(links),
    );
    showRows(this.list, links ?? [], linkRows(this.parts.page, this.wishes));
    const made = this.list.querySelector<HTMLElement>(`[data-key="${CSS.escape(this.made ?? "")}"]`);
    if (made === null) return;
    this.made = null;
    openLink(made, true);
    find(made, "[data-copy-link]").focus();
  }

  /** Tell whether something typed into a form here is not saved. */
  isTyped(): boolean {
    return !this.section.hidden && (this.form.isTyped() || [...this.list.children].some(isLinkTyped));
  }

  private readonly wishes: LinkWishes = {
    calendarName: () => this.parts.client.calendarInfo(this.parts.calendar() ?? "")?.name ?? "",
    copy: (field, said) => void this.copy(field, said),
    save: (link, form) => this.change(link, form),
    withdraw: (link) => void this.parts.change((sharing, calendar) => sharing.withdrawLink(calendar, link)),
  };

  private async make(): Promise<void> {
    const link = await this.save(null, this.form);
    if (link === null) return;
    this.made = link.id;
    this.showForm(false);
    await this.parts.read();
  }

  private async change(id: string, form: LinkForm): Promise<void> {
    const sent = form.texts();
    const link = await this.save(id, form);
    if (link === null) return;
    form.follow(link, sent);
    this.parts.toasts.confirm(this.parts.page.texts.saved);
    await this.parts.read();
  }

  /** Save a link, or say at its fields what is wrong. Returns the link, if the dialog still shows its calendar. */
  private async save(id: string | null, form: LinkForm): Promise<PublicLink | null> {
    const { client, page, complain } = this.parts;
    const calendar = this.parts.calendar();
    complain(null);
    if (calendar === null || form.complainOfDate(page.texts.dateWrong)) return null;
    const result = await client.sharing.saveLink(calendar, id, id === null ? form.made() : form.changes());
    if (calendar !== this.parts.calendar()) return null;
    if (result.ok) return result.value;
    if (!form.complain(result.error.fields)) complain(result.error);
    return null;
  }

  private async copy(field: Readable, said: TextName): Promise<void> {
    const { page, toasts } = this.parts;
    if (await copyText(field.value, this.section)) return toasts.confirm(page.texts[said]);
    const row = field.closest("li");
    if (row) openLink(row, true);
    field.select();
    toasts.show(page.texts.copyByHand);
  }

  private showForm(isShown: boolean): void {
    this.form.element.hidden = !isShown;
    this.adder.hidden = isShown;
    if (!isShown) this.form.reset();
  }
}
