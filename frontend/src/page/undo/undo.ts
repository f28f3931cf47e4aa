/** Offers to undo each change in a toast, and the user's own changes also by Ctrl+Z. */
import {
  type ApiError,
  type ChangedEvent,
  type HeldItemEvent,
  type ItemKey,
  type LiveClient,
  mayEdit,
  type State,
} from "../../fullcalendar";
import type { Toast, Toasts } from "../notice/toasts";
import { fill, type PageData, shortTitle, type TextName } from "../words/page-data";
import { changedBy } from "../words/people";
import { reasonOf } from "../words/refusals";
import { type UndoOffer, UndoOffers } from "./undo-offers";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
  /** Tells whether an open dialog shows an item. The dialog itself says what others do to that one. */
  shows(key: ItemKey): boolean;
  /** Tells whether the open dialog made a change itself. The offer to undo it says that it was saved. */
  made(change: Pick<ChangedEvent, "own" | "mutationId">): boolean;
}

/** How long to wait for the other half of a move between calendars, which arrives in a frame of its own. */
const HALF_MS = 400;
/** How long to wait for the push of a saved form, before the form is confirmed without an Undo. */
const CONFIRM_MS = 700;

export class Undos {
  private readonly offers: UndoOffers;
  private readonly shown = new Map<UndoOffer, Toast>();
  private readonly told = new Map<string, { readonly text: string; readonly toast: Toast }>();
  private busy = false;

  constructor(private readonly parts: Parts) {
    this.offers = new UndoOffers({ mayEdit: (calendar) => this.mayEdit(calendar) });
    parts.client.on("changed", (change) => this.changed(change));
    parts.client.on("heldItemChanged", (news) => this.heldItemChanged(news));
    parts.client.on("calendarGone", ({ calendar }) => this.drop(this.offers.forget(calendar)));
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** Confirm a saved form: by the offer to undo it, or by a toast if nothing changed. */
  saved(state: State, created: boolean, text: string): void {
    if (created) {
      const offer = this.offers.created(state);
      if (offer) this.show(offer);
    }
    setTimeout(() => {
      if (!this.offers.knows(state)) this.parts.toasts.confirm(text);
    }, CONFIRM_MS);
  }

  private heldItemChanged({ key, change, actor, before }: HeldItemEvent): void {
    if (change !== "deleted" || this.parts.shows(key)) return;
    const { texts } = this.parts.page;
    const title = shortTitle("title" in before ? before.title : "");
    this.tellDeleted(key, fill(texts.deletedWhileMoving, { person: actor?.name ?? texts.someone, title }));
  }

  /**
   * Say at once that an item was deleted. The offer to undo the deletion replaces the toast and takes over its text.
   */
  private tellDeleted(key: ItemKey, text: string): void {
    const name = nameOf(key);
    // If it was moved and the other half came first, the offer has already said where the item went.
    if ([...this.shown.keys()].some((offer) => namesDestroyed(offer).includes(name))) return;
    this.told.set(name, { text, toast: this.parts.toasts.show(text) });
    // Not every deletion is offered to be undone: one that the page missed while it was away is not.
    setTimeout(() => this.told.delete(name), 2 * HALF_MS);
  }

  private changed(change: ChangedEvent): void {
    const { offer, replaced } = this.offers.take(change, this.parts.client.isUndo(change.mutationId));
    this.drop(replaced);
    if (offer === null) return;
    if (offer.mayBeHalf) setTimeout(() => this.show(offer), HALF_MS);
    else this.show(offer);
  }

  private show(offer: UndoOffer): void {
    const undo = this.offers.undoOf(offer);
    if (undo === null || this.shown.has(offer) || !this.offers.isOpen(offer) || this.isToldInDialog(offer)) return;
    const { page, toasts } = this.parts;
    const run = () => void this.run(offer);
    const told = this.takeTold(offer);
    const text = undo.kind === "deleted" && told !== null ? told : this.textOf(offer);
    this.shown.set(offer, toasts.offer(text, { label: page.texts.undo, run }));
  }

  /** Tell whether an offer is about nothing but the item whose dialog is open, and the dialog says what happened. */
  private isToldInDialog({ changes, own }: UndoOffer): boolean {
    const { shows, made } = this.parts;
    if (changes.some(({ mutationId }) => made({ own, mutationId }))) return false;
    const ids = changes.flatMap(({ after, destroyed }) => [...after.map((item) => item.id), ...destroyed]);
    return ids.every((id) => changes.some(({ calendar }) => shows({ calendar, id })));
  }

  private takeTold(offer: UndoOffer): string | null {
    const told = namesDestroyed(offer).flatMap((name) => this.told.get(name) ?? []);
    for (const { toast } of told) toast.remove();
    return told[0]?.text ?? null;
  }

  private textOf(offer: UndoOffer): string {
    const { client, page } = this.parts;
    const undo = this.offers.undoOf(offer);
    if (undo === null) return "";
    const by = offer.own ? "" : "By";
    const isTree = undo.kind === "deleted" && undo.title !== null && undo.count > 1;
    const name: TextName = isTree ? `deletedTree${by}` : `${undo.kind}${undo.title === null ? "Many" : "One"}${by}`;
    const calendar = client.calendarInfo(offer.calendar)?.name ?? "";
    const person = offer.actor ?? page.texts.someone;
    const count = isTree ? undo.count - 1 : undo.count;
    return fill(page.texts[name], { person, title: shortTitle(undo.title ?? ""), count, calendar });
  }

  private async run(offer: UndoOffer): Promise<void> {
    const undo = this.offers.undoOf(offer);
    if (undo === null || this.busy) return;
    this.busy = true;
    this.offers.remove(offer);
    this.drop([offer]);
    const { done, refused } = await this.parts.client.undo(undo.steps);
    this.busy = false;
    const [error] = refused;
    if (error === undefined) this.parts.toasts.confirm(this.parts.page.texts.undone);
    else this.parts.toasts.show(done === 0 ? this.refusal(offer, error) : this.partly(done, undo.steps.length));
  }

  private refusal(offer: UndoOffer, error: ApiError): string {
    const { page } = this.parts;
    const title = this.offers.undoOf(offer)?.title ?? null;
    const what = title === null ? page.texts.theseItems : `“${shortTitle(title)}”`;
    if (error.code === "stale") {
      return fill(page.texts.undoRefused, { what, person: changedBy(error, this.parts.client, page) });
    }
    const reason = error.code === "not_found" ? page.texts.notThere : reasonOf(error, page);
    return fill(page.texts.undoFailed, { what, reason });
  }

  private partly(done: number, count: number): string {
    return fill(this.parts.page.texts.undonePartly, { done, count });
  }

  private pressed(event: KeyboardEvent): void {
    const isUndo =
      event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!isUndo || event.defaultPrevented || isTyping(event.target)) return;
    const offer = this.offers.newestOwn();
    if (offer === null) return;
    event.preventDefault();
    void this.run(offer);
  }

  private drop(offers: readonly UndoOffer[]): void {
    for (const offer of offers) {
      this.shown.get(offer)?.remove();
      this.shown.delete(offer);
    }
  }

  private mayEdit(calendar: string): boolean {
    return mayEdit(this.parts.client.calendarInfo(calendar));
  }
}

function nameOf({ calendar, id }: ItemKey): string {
  return `${calendar} ${id}`;
}

function namesDestroyed({ changes }: UndoOffer): string[] {
  return changes.flatMap(({ calendar, destroyed }) => destroyed.map((id) => nameOf({ calendar, id })));
}

function isTyping(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}
