/** Tells the user what others do to the item whose dialog is open. */
import { type HeldItemEvent, type ItemKey, type LiveClient, mayEdit } from "../../fullcalendar";
import type { Toasts } from "../notice/toasts";
import { fill, type PageData, type TextName } from "../words/page-data";
import type { ItemForm } from "./item-form";
import type { ItemNotices } from "./item-notices";
import type { ItemPanels } from "./item-panels";

interface Opened {
  readonly isOpen: boolean;
  /** `null`: a new item. */
  readonly key: ItemKey | null;
  /** `null`: the user may only read. */
  readonly form: ItemForm | null;
}

/** The part of the dialog that its news need. */
interface Dialog {
  now(): Opened;
  /** Tells whether the dialog made this change itself. */
  made(news: HeldItemEvent): boolean;
  /** Show an item as it is now. */
  showAgain(key: ItemKey): Promise<void>;
  /** Show what is typed on top of an item as it is now, in place of a form that is out of date. */
  compareAgain(key: ItemKey): Promise<void>;
  close(): void;
}

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
  readonly notices: ItemNotices;
  readonly panels: ItemPanels;
}

export class ItemNews {
  /**
   * The form that the user may no longer save. It is remembered, because an item also seems changed when the user's
   * rights change.
   */
  private rightless: ItemForm | null = null;

  constructor(
    private readonly parts: Parts,
    private readonly dialog: Dialog,
  ) {
    parts.client.on("heldItemChanged", (news) => this.tell(news));
    parts.client.on("calendarsChanged", () => this.rightsChanged());
    parts.client.on("calendarGone", ({ calendar }) => this.calendarGone(calendar));
  }

  private tell(news: HeldItemEvent): void {
    const { key, form } = this.dialog.now();
    if (key?.id !== news.key.id || key.calendar !== news.key.calendar) return;
    if (this.dialog.made(news) || this.isRightless()) return;
    const { texts } = this.parts.page;
    const person = news.own ? texts.you : (news.actor?.name ?? texts.someone);
    if (form === null) return this.tellReader(news, fill(texts.takenAwayWhileOpen, { person }));
    const text = news.change === "deleted" ? texts.deletedWhileOpen : texts.changedWhileOpen;
    const isOutdated = form.isOutdatedByChange();
    this.parts.notices.tell(news.change, fill(text, { person }));
    if (news.change === "deleted") form.lock();
    else if (isOutdated) void this.dialog.compareAgain(news.key);
  }

  /** Show a reader the item as it is now. A reader may not know whether an item was deleted or made secret. */
  private tellReader(news: HeldItemEvent, takenAway: string): void {
    if (news.change === "changed") return void this.dialog.showAgain(news.key);
    this.dialog.close();
    this.parts.toasts.show(takenAway);
  }

  /** Show the item as it is now to a user who may no longer edit its calendar, but let them copy what they typed. */
  private rightsChanged(): void {
    const { client, page, toasts } = this.parts;
    const { key, form } = this.dialog.now();
    const info = key && client.calendarInfo(key.calendar);
    if (!key || !info || !form || this.isRightless() || mayEdit(info)) return;
    if (form.isDirty()) return this.lock(form, "roleLowered");
    toasts.show(fill(page.texts.nowReadOnly, { name: info.name }));
    void this.dialog.showAgain(key);
  }

  /** Close or lock the dialog of an item whose calendar is gone. The sidebar says that the calendar is gone. */
  private calendarGone(calendar: string): void {
    const { isOpen, key, form } = this.dialog.now();
    if (key?.calendar === calendar) {
      if (form?.isDirty()) this.lock(form, "calendarGoneWhileOpen");
      else this.dialog.close();
    } else if (isOpen && key === null && form?.value("calendar") === calendar) {
      this.parts.notices.complain(this.parts.page.texts.calendarGoneWhileTyping);
    }
  }

  private lock(form: ItemForm, name: TextName): void {
    this.rightless = form;
    this.parts.panels.show(null);
    this.parts.notices.tell("locked", this.parts.page.texts[name]);
    form.lock();
  }

  private isRightless(): boolean {
    return this.rightless !== null && this.rightless === this.dialog.now().form;
  }
}
