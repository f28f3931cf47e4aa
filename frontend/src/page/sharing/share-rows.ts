/** Makes the rows of members and invitations in the share dialog. */
import type { Invitation, Member, Role } from "../../fullcalendar";
import { find } from "../dom/find";
import { ask, type Choice, isAsking } from "../dom/question";
import { type RowKind, say } from "../dom/rows";
import { sendOnce } from "../dom/sending";
import { readerLocale } from "../words/locale";
import { fill, type PageData, type TextName } from "../words/page-data";

/** What the user can ask for in a row. */
export interface Wishes {
  /** Tells whether the user may change who is a member. */
  mayManage(): boolean;
  setRole(user: string, role: Role): void;
  handOver(user: string): void;
  remove(user: string): void;
  sendAgain(invitation: string): Promise<void>;
  withdraw(invitation: string): void;
}

export function memberRows(page: PageData, wishes: Wishes): RowKind<Member> {
  return {
    template: "member-row",
    keyOf: (member) => member.user.id,
    wire: (row, user) => wireMember(row, user, page, wishes),
    show: (row, member) => showMember(row, member, page, wishes.mayManage() && !member.you),
  };
}

function wireMember(row: HTMLElement, user: string, page: PageData, wishes: Wishes): void {
  const select = row.querySelector("select");
  const name = () => row.dataset["name"] ?? "";
  const putBack = () => {
    if (select) select.value = row.dataset["role"] ?? "";
  };
  select?.addEventListener("change", () => {
    const role = select.value as Role;
    if (role !== "owner") return wishes.setRole(user, role);
    const choices: Choice[] = [
      { label: page.texts.ownerToo, run: () => wishes.setRole(user, "owner") },
      { label: page.texts.handOver, run: () => wishes.handOver(user) },
    ];
    ask(row, fill(page.texts.ownerAsk, { name: name() }), choices, { label: page.texts.cancel, run: putBack });
  });
  // Setting the member's own role again withdraws the offer of ownership.
  row.querySelector("[data-withdraw-offer]")?.addEventListener("click", () => {
    wishes.setRole(user, row.dataset["role"] as Role);
  });
  row.querySelector("[data-remove]")?.addEventListener("click", () => {
    const yes = { label: page.texts.remove, danger: true, run: () => wishes.remove(user) };
    putBack();
    ask(row, fill(page.texts.removeAsk, { name: name() }), [yes], keep(page));
  });
}

function showMember(row: HTMLElement, member: Member, page: PageData, mayChange: boolean): void {
  const { name, username, email } = member.user;
  row.dataset["name"] = name;
  row.dataset["role"] = member.role;
  say(row, "[data-sign]", (name[0] ?? "").toUpperCase());
  row.toggleAttribute("data-you", member.you);
  say(row, "[data-name]", member.you ? fill(page.texts.isYou, { name }) : name);
  row.querySelector("[data-name]")?.setAttribute("title", name);
  say(row, "[data-about]", [username, email].filter(Boolean).join(" · "));
  say(row, "[data-role-text]", roleName(member.role));
  const select = row.querySelector("select");
  const text = row.querySelector<HTMLElement>("[data-role-text]");
  const remove = row.querySelector<HTMLElement>("[data-remove]");
  const offered = row.querySelector<HTMLElement>("[data-offered]");
  if (!select || !text || !remove || !offered) return;
  text.hidden = mayChange;
  select.hidden = remove.hidden = !mayChange;
  offered.hidden = !mayChange || !member.offer;
  offered.querySelector("button")?.setAttribute("aria-label", fill(page.texts.withdrawOfferTo, { name }));
  select.setAttribute("aria-label", fill(page.texts.roleOf, { name }));
  remove.setAttribute("aria-label", fill(page.texts.removeNamed, { name }));
  if (!mayChange) row.querySelector("[data-question]")?.remove();
  if (!isAsking(row)) select.value = member.role;
}

export function invitationRows(page: PageData, wishes: Wishes): RowKind<Invitation> {
  return {
    template: "invitation-row",
    keyOf: (invitation) => invitation.id,
    wire: (row, id) => {
      const send = find(row, "[data-send]");
      send.addEventListener("click", () => void sendOnce(send, () => wishes.sendAgain(id)));
      row.querySelector("[data-withdraw]")?.addEventListener("click", () => {
        const yes = { label: page.texts.withdraw, danger: true, run: () => wishes.withdraw(id) };
        ask(row, fill(page.texts.withdrawAsk, { name: row.dataset["name"] ?? "" }), [yes], keep(page));
      });
    },
    show: (row, invitation) => showInvitation(row, invitation, page),
  };
}

function showInvitation(row: HTMLElement, { email, role, expiresAt, mailed }: Invitation, page: PageData): void {
  const until = new Intl.DateTimeFormat(readerLocale(), { dateStyle: "medium" }).format(new Date(expiresAt));
  const about = mailed ? page.texts.invitedAbout : page.texts.invitedNotMailed;
  row.dataset["name"] = email;
  say(row, "[data-name]", email);
  say(row, "[data-about]", fill(about, { role: roleName(role), until }));
  const labels: readonly (readonly [string, TextName])[] = [
    ["[data-send]", "sendAgainTo"],
    ["[data-withdraw]", "withdrawNamed"],
  ];
  for (const [selector, text] of labels) {
    row.querySelector(selector)?.setAttribute("aria-label", fill(page.texts[text], { name: email }));
  }
}

/** Return a role's name in the reader's language, as the server wrote it into the choices. */
export function roleName(role: Role): string {
  return roleChoices().find((option) => option.value === role)?.text ?? role;
}

/** Return the choices of roles, each with its name and what it may do. */
export function roleChoices(): HTMLOptionElement[] {
  const template = document.querySelector<HTMLTemplateElement>("#member-row");
  return [...(template?.content.querySelectorAll("option") ?? [])];
}

/** Write what each role may do into a list. */
export function explainRoles(list: HTMLElement): void {
  for (const option of roleChoices()) {
    const name = document.createElement("dt");
    const about = document.createElement("dd");
    name.textContent = option.text;
    about.textContent = option.dataset["about"] ?? "";
    list.append(name, about);
  }
}

function keep(page: PageData): Choice {
  return { label: page.texts.cancel, run: () => {} };
}
