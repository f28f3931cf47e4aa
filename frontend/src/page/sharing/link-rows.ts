/** Makes the rows of public links in the share dialog, each with its address and form. */
import { Temporal } from "temporal-polyfill";
import type { PublicLink } from "../../fullcalendar";
import { find } from "../dom/find";
import { ask } from "../dom/question";
import { type RowKind, say } from "../dom/rows";
import { readerLocale } from "../words/locale";
import { fill, type PageData, type TextName } from "../words/page-data";
import { isOver } from "./ends";
import { LinkForm } from "./link-form";
import { embedCode, endText } from "./link-words";

/** What the user can ask for in a row. */
export interface LinkWishes {
  /** Returns the name of the calendar. */
  calendarName(): string;
  /** Copy the text of a field. */
  copy(field: Readable, said: TextName): void;
  save(link: string, form: LinkForm): Promise<void>;
  withdraw(link: string): void;
}

/** A field whose text can be read and copied. */
export type Readable = HTMLInputElement | HTMLTextAreaElement;

const forms = new WeakMap<Element, LinkForm>();
const LABELS: readonly (readonly [string, TextName])[] = [
  ["[data-copy-link]", "copyLinkOf"],
  ["[data-toggle]", "changeLink"],
  ["[data-withdraw]", "withdrawLink"],
];
/** How many sites a row names at most. It counts the others. */
const SITES_NAMED = 3;

export function linkRows(page: PageData, wishes: LinkWishes): RowKind<PublicLink> {
  return {
    template: "link-row",
    keyOf: (link) => link.id,
    wire: (row, id) => wireLink(row, id, page, wishes),
    show: (row, link) => showLink(row, link, page, wishes.calendarName()),
  };
}

/** Show a link's address and form, or hide them and forget what was typed. */
export function openLink(row: HTMLElement, isOpen: boolean): void {
  const [toggle, panel] = [find(row, "[data-toggle]"), find(row, "[data-panel]")];
  panel.hidden = !isOpen;
  toggle.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) return panel.scrollIntoView({ block: "nearest" });
  forms.get(row)?.reset();
  toggle.focus();
}

/** Tell whether something typed into a link's form is not saved. */
export function isLinkTyped(row: Element): boolean {
  return forms.get(row)?.isTyped() ?? false;
}

function wireLink(row: HTMLElement, id: string, page: PageData, wishes: LinkWishes): void {
  const [address, code] = [find<Readable>(row, "[data-address]"), find<Readable>(row, "[data-code]")];
  const panel = find(row, "[data-panel]");
  const click = (selector: string, run: () => void) => find(row, selector).addEventListener("click", run);
  forms.set(row, new LinkForm(find<HTMLFormElement>(row, "form"), id, (form) => wishes.save(id, form)));
  panel.id = `link-${id}`;
  find(row, "[data-toggle]").setAttribute("aria-controls", panel.id);
  click("[data-copy-link]", () => wishes.copy(address, "linkCopied"));
  click("[data-copy-code]", () => wishes.copy(code, "codeCopied"));
  click("[data-toggle]", () => openLink(row, panel.hidden !== false));
  click("[data-put-away]", () => openLink(row, false));
  click("[data-withdraw]", () => {
    const yes = { label: page.texts.withdraw, danger: true, run: () => wishes.withdraw(id) };
    const text = fill(page.texts.withdrawLinkAsk, { name: row.dataset["name"] ?? "" });
    ask(row, text, [yes], { label: page.texts.cancel, run: () => {} });
  });
  for (const field of [address, code]) field.addEventListener("focus", () => field.select());
}

function showLink(row: HTMLElement, link: PublicLink, page: PageData, calendar: string): void {
  const { name } = link;
  const hasEnded = isOver(link.expiresAt);
  const mayEmbed = link.frameOrigins.length > 0;
  row.dataset["name"] = name;
  row.classList.toggle("link-row--over", hasEnded);
  say(row, "[data-name]", name);
  say(row, "[data-about]", aboutLink(row, link, page, hasEnded));
  find(row, "[data-copy-link]").hidden = hasEnded;
  find(row, "[data-embed]").hidden = !mayEmbed;
  find(row, "[data-no-embed]").hidden = mayEmbed;
  set(find<Readable>(row, "[data-address]"), link.url, fill(page.texts.addressOf, { name }));
  set(find<Readable>(row, "[data-code]"), embedCode(link.embedUrl, calendar), fill(page.texts.codeOf, { name }));
  for (const [selector, text] of LABELS) {
    find(row, selector).setAttribute("aria-label", fill(page.texts[text], { name }));
  }
  forms.get(row)?.follow(link);
}

function set(field: Readable, text: string, label: string): void {
  if (field.value !== text) field.value = text;
  field.setAttribute("aria-label", label);
}

/** Return a line such as "Everything public · until 3 Dec 2026 · may be shown on example.org". */
function aboutLink(row: HTMLElement, link: PublicLink, page: PageData, hasEnded: boolean): string {
  const { texts } = page;
  const choices = [...row.querySelectorAll<HTMLOptionElement>("[name=shows] option")];
  const shows = choices.find((option) => option.value === link.shows)?.text ?? link.shows;
  const parts = [shows];
  if (link.expiresAt !== null) {
    const until = endText(link.expiresAt, readerLocale(), Temporal.Now.timeZoneId());
    parts.push(fill(hasEnded ? texts.linkEnded : texts.linkUntil, { until }));
  }
  if (link.frameOrigins.length > 0) parts.push(fill(texts.linkSites, { sites: siteNames(link.frameOrigins, page) }));
  return parts.join(" · ");
}

function siteNames(origins: readonly string[], page: PageData): string {
  const hosts = origins.map((origin) => origin.replace(/^https?:\/\//, ""));
  const rest = hosts.splice(hosts.length > SITES_NAMED ? SITES_NAMED - 1 : SITES_NAMED).length;
  if (rest > 0) hosts.push(fill(page.texts.more, { count: rest }));
  return new Intl.ListFormat(document.documentElement.lang, { type: "unit" }).format(hosts);
}
