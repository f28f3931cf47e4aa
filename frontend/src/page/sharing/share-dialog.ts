/** Runs the dialog that shows who shares a calendar: members, invitations, public links, and leaving. */
import { type ApiError, type Invitation, isOwner, type LiveClient, type Result, type Role } from "../../fullcalendar";
import { find } from "../dom/find";
import { keepFocus } from "../dom/focus";
import { ask, keepAtEscape } from "../dom/question";
import { showRows } from "../dom/rows";
import { sendOnce, startAnew } from "../dom/sending";
import { checkTyped, watchTyped } from "../dom/typed";
import { onConnected } from "../notice/connected";
import type { Toasts } from "../notice/toasts";
import { fill, type PageData, type TextName } from "../words/page-data";
import { complaintOf } from "../words/refusals";
import { isOver, NextEnd } from "./ends";
import { askedOf } from "./offers";
import { ShareLinks } from "./share-links";
import { explainRoles, invitationRows, memberRows, type Wishes } from "./share-rows";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
}

/** How long changes are collected, so that a burst of them reads the lists once. */
const CALM_MS = 150;

export class ShareDialog {
  private readonly dialog = find<HTMLDialogElement>(document, "#share-dialog");
  private readonly form = find<HTMLFormElement>(this.dialog, "[data-add]");
  private readonly to = find<HTMLInputElement>(this.form, "[name=to]");
  private readonly role = find<HTMLSelectElement>(this.form, "[name=role]");
  private readonly links: ShareLinks;
  private readonly left = new Set<string>();
  private calendar: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly nextEnd = new NextEnd();
  /** Counts the readings of the lists, because only the last of several counts. */
  private asked = 0;

  constructor(private readonly parts: Parts) {
    this.links = new ShareLinks(this.part("[data-link-section]"), {
      ...parts,
      calendar: () => this.calendar,
      complain: (error) => this.complain(error),
      read: () => this.read(),
      change: (act) => this.change(act),
    });
    explainRoles(this.part("[data-roles]"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void sendOnce(this.form, () => this.add());
    });
    this.role.addEventListener("change", () => this.explainRole());
    this.to.addEventListener("input", () => this.complainOfTo(""));
    for (const [selector, accept] of [
      ["[data-accept]", true],
      ["[data-decline]", false],
    ] as const) {
      this.part(selector).addEventListener("click", () => {
        void this.change((sharing, calendar) => sharing.answerOffer(calendar, accept));
      });
    }
    this.part("[data-leave]").addEventListener("click", () => this.askToLeave());
    for (const button of this.dialog.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => this.dialog.close());
    }
    keepAtEscape(this.dialog);
    this.dialog.addEventListener("close", () => {
      this.calendar = null;
      keepFocus();
    });
    watchTyped(() => this.dialog.open && (this.isAdding() || this.links.isTyped()));
    parts.client.on("calendarsChanged", () => this.refresh());
    onConnected(parts.client, () => this.connected());
    parts.client.on("calendarGone", ({ calendar }) => {
      if (calendar === this.calendar) this.dialog.close();
    });
  }

  /** Tell whether the user has left a calendar in this dialog. */
  leaves(calendar: string): boolean {
    return this.left.has(calendar);
  }

  open(calendar: string): void {
    this.calendar = calendar;
    startAnew(this.form);
    this.form.reset();
    this.complain(null);
    this.complainOfTo("");
    this.explainRole();
    this.part("[data-leave-place]").replaceChildren();
    this.part("[data-members]").replaceChildren();
    this.showInvitations([]);
    this.links.clear();
    this.note("peopleLoading");
    this.showRights();
    if (!this.dialog.open) this.dialog.showModal();
    if (!this.form.hidden) this.to.focus();
    void this.read();
  }

  // Reading

  private refresh(): void {
    clearTimeout(this.timer);
    this.asked++; // ignore answers to what was asked with the previous rights
    if (this.calendar === null) return;
    this.showRights();
    this.timer = setTimeout(() => void this.read(), CALM_MS);
  }

  private connected(): void {
    const { shareNoConnection } = this.parts.page.texts;
    if (this.part("[data-problem]").textContent === shareNoConnection) this.complain(null);
    if (this.part("#share-to-error").textContent === shareNoConnection) this.complainOfTo("");
    this.refresh();
  }

  private async read(): Promise<void> {
    const { calendar } = this;
    const turn = ++this.asked;
    const { sharing } = this.parts.client;
    if (calendar === null || this.isBlind()) return;
    const members = await sharing.members(calendar);
    // This is the member's current role, of which the page may not have been told yet.
    const isOwner = members.ok && members.value.some((one) => one.you && one.role === "owner");
    const [invitations, links] = isOwner
      ? await Promise.all([sharing.invitations(calendar), sharing.links(calendar)])
      : [null, null];
    if (turn !== this.asked || calendar !== this.calendar) return;
    const { page } = this.parts;
    this.note(null);
    if (!members.ok) return this.complain(members.error);
    showRows(this.part("[data-members]"), members.value, memberRows(page, this.wishes));
    this.showInvitations(invitations?.ok ? invitations.value : []);
    if (!links || links.ok) this.links.show(links?.value ?? null);
    this.focusInside();
  }

  /** List the invitations that can still be accepted, and remove each when it ends. */
  private showInvitations(invitations: readonly Invitation[]): void {
    const open = invitations.filter(({ expiresAt }) => !isOver(expiresAt));
    showRows(this.part("[data-invitations]"), open, invitationRows(this.parts.page, this.wishes));
    this.part("[data-invited]").hidden = open.length === 0;
    const ends = open.map(({ expiresAt }) => expiresAt);
    this.nextEnd.await(ends, () => {
      this.showInvitations(open);
      this.focusInside();
    });
  }

  /** Keep the focus in the dialog when the element that had it is gone. */
  private focusInside(): void {
    if (!this.dialog.contains(document.activeElement)) this.part("[data-close]").focus();
  }

  /** Show what the user may do here now, and keep what is typed. */
  private showRights(): void {
    const { client, page } = this.parts;
    const info = client.calendarInfo(this.calendar ?? "");
    if (!info) return;
    const title = this.mayManage() ? page.texts.shareTitle : page.texts.peopleTitle;
    this.part("#share-title").textContent = fill(title, { name: info.name });
    this.form.hidden = !this.mayManage();
    if (!this.mayManage()) this.links.clear();
    const asked = askedOf(info, page);
    this.part("[data-offer]").hidden = asked === null;
    this.part("#share-offer").textContent = asked ?? "";
    if (!this.isBlind()) return;
    this.part("[data-members]").replaceChildren();
    this.showInvitations([]);
    this.note("peopleHidden");
  }

  // Changing

  private readonly wishes: Wishes = {
    mayManage: () => this.mayManage(),
    setRole: (user, role) => void this.change((sharing, calendar) => sharing.setRole(calendar, user, role)),
    handOver: (user) => void this.change((sharing, calendar) => sharing.transfer(calendar, user)),
    remove: (user) => void this.change((sharing, calendar) => sharing.remove(calendar, user)),
    sendAgain: (id) => this.sendAgain(id),
    withdraw: (id) => void this.change((sharing, calendar) => sharing.withdraw(calendar, id)),
  };

  /** Do something, and then read the lists again, even if it was refused. Returns whether it was done. */
  private async change(
    act: (sharing: LiveClient["sharing"], calendar: string) => Promise<Result<unknown>>,
  ): Promise<boolean> {
    const { calendar } = this;
    if (calendar === null) return false;
    this.complain(null);
    const result = await act(this.parts.client.sharing, calendar);
    if (calendar !== this.calendar) return result.ok;
    if (!result.ok) this.complain(result.error);
    await this.read();
    return result.ok;
  }

  private async sendAgain(id: string): Promise<void> {
    const { page, toasts } = this.parts;
    const row = this.dialog.querySelector<HTMLElement>(`[data-key="${CSS.escape(id)}"]`);
    const name = row?.dataset["name"] ?? "";
    const done = await this.change((sharing, calendar) => sharing.sendAgain(calendar, id));
    if (done) toasts.confirm(fill(page.texts.shareInvited, { name }));
  }

  private async add(): Promise<void> {
    const { calendar } = this;
    const { client, page, toasts } = this.parts;
    const to = this.to.value.trim();
    this.complain(null);
    if (to === "") return this.complainOfTo(page.texts.toMissing);
    if (calendar === null) return;
    const result = await client.sharing.add(calendar, to, this.role.value as Role);
    if (calendar !== this.calendar) return;
    if (!result.ok) return this.complainOfTo(complaintOf(result.error, page));
    const { member, invitation } = result.value;
    if (this.to.value.trim() === to) this.to.value = "";
    checkTyped();
    this.complainOfTo("");
    if (member) toasts.confirm(fill(page.texts.shareAdded, { name: member.user.name }));
    else if (invitation?.mailed) toasts.confirm(fill(page.texts.shareInvited, { name: to }));
    else toasts.show(fill(page.texts.shareNotMailed, { name: to }));
    await this.read();
  }

  private isAdding(): boolean {
    return !this.form.hidden && this.to.value.trim() !== "";
  }

  private askToLeave(): void {
    const { client, page } = this.parts;
    const name = client.calendarInfo(this.calendar ?? "")?.name ?? "";
    const leave = { label: page.texts.leave, danger: true, run: () => void this.leave() };
    const [place, run] = [this.part("[data-leave-place]"), () => {}];
    if (this.isLastOwner())
      return ask(place, fill(page.texts.leaveLast, { name }), [], { label: page.texts.close, run });
    ask(place, fill(page.texts.leaveAsk, { name }), [leave], { label: page.texts.cancel, run });
  }

  /** Tell whether the list shows the user as the last owner. The server decides. */
  private isLastOwner(): boolean {
    const owners = this.part("[data-members]").querySelectorAll(":scope > [data-role=owner]");
    return this.mayManage() && owners.length === 1;
  }

  private async leave(): Promise<void> {
    const { calendar } = this;
    if (calendar === null) return;
    this.complain(null);
    this.left.add(calendar); // the push may come before the answer
    const result = await this.parts.client.sharing.leave(calendar);
    if (result.ok) return this.dialog.close();
    this.left.delete(calendar);
    this.complain(result.error);
  }

  // Saying

  private complain(error: ApiError | null): void {
    const notice = this.part("[data-problem]");
    notice.hidden = error === null;
    notice.textContent = error === null ? "" : complaintOf(error, this.parts.page);
    if (error !== null) notice.scrollIntoView({ block: "nearest" });
  }

  private complainOfTo(text: string): void {
    const line = this.part("#share-to-error");
    line.hidden = text === "";
    line.textContent = text;
    this.to.setAttribute("aria-invalid", String(text !== ""));
    if (text !== "") this.to.focus();
  }

  private explainRole(): void {
    this.part("[data-role-about]").textContent = this.role.selectedOptions[0]?.dataset["about"] ?? "";
  }

  private note(name: TextName | null): void {
    const line = this.part("[data-note]");
    line.hidden = name === null;
    line.textContent = name === null ? "" : this.parts.page.texts[name];
  }

  private mayManage(): boolean {
    return isOwner(this.parts.client.calendarInfo(this.calendar ?? ""));
  }

  /** Tell whether the user may not see the members, as with free/busy rights. */
  private isBlind(): boolean {
    return this.parts.client.calendarInfo(this.calendar ?? "")?.rights === "freebusy";
  }

  private part(selector: string): HTMLElement {
    return find(this.dialog, selector);
  }
}
