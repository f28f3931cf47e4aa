/**
 * Runs the form of a public link: keeps what is typed while others change the link, and shows errors at their fields.
 */
import { Temporal } from "temporal-polyfill";
import type { ApiError, LinkFields } from "../../fullcalendar";
import { find } from "../dom/find";
import { sendOnce } from "../dom/sending";
import { checkTyped } from "../dom/typed";
import { changedFields, followed, LINK_FIELDS, type LinkTexts, textsOf } from "./link-words";

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
type Name = (typeof LINK_FIELDS)[number];

const NEW: LinkFields = { name: "", shows: "full", expiresAt: null, frameOrigins: [] };

export class LinkForm {
  /** The values of the fields before anything was typed. */
  private before: LinkTexts = textsOf(NEW, zone());

  /** `key` makes the ids of its fields unique on the page. */
  constructor(
    readonly element: HTMLFormElement,
    key: string,
    onSave: (form: LinkForm) => Promise<void>,
  ) {
    for (const name of LINK_FIELDS) this.wire(name, `link-${key}-${name}`);
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      void sendOnce(element, () => onSave(this));
    });
    this.field("shows").addEventListener("change", () => this.explain());
    this.reset();
  }

  /** Show a link as it is now, and keep the fields that were typed in after they showed `since`. */
  follow(link: LinkFields, since: LinkTexts = this.before): void {
    const now = textsOf(link, zone());
    this.write(followed(this.texts(), since, now));
    this.before = now;
  }

  texts(): LinkTexts {
    return Object.fromEntries(LINK_FIELDS.map((name) => [name, this.field(name).value])) as unknown as LinkTexts;
  }

  /** Tell whether something typed is not saved. */
  isTyped(): boolean {
    const texts = this.texts();
    return this.isHalfADate() || LINK_FIELDS.some((name) => texts[name] !== this.before[name]);
  }

  /** Forget what was typed. */
  reset(): void {
    this.write(this.before);
    this.complain(null);
  }

  focus(): void {
    this.field("name").focus();
  }

  /** Return the fields of a new link. */
  made(): LinkFields {
    return { ...NEW, ...this.changes() };
  }

  /** Return the fields that were changed. */
  changes(): Partial<LinkFields> {
    return changedFields(this.before, this.texts(), zone());
  }

  /** Complain about a half-typed date, which a browser reads as no date at all. Returns whether there is one. */
  complainOfDate(text: string): boolean {
    const isHalf = this.isHalfADate();
    this.complain(isHalf ? { expiresAt: [text] } : null);
    return isHalf;
  }

  /** Say at each field what is wrong with it. Returns whether anything is. */
  complain(fields: ApiError["fields"] | null): boolean {
    for (const name of LINK_FIELDS) {
      const text = fields?.[name]?.[0] ?? "";
      const line = this.line(name, "[data-wrong]");
      line.hidden = text === "";
      line.textContent = text;
      this.field(name).setAttribute("aria-invalid", String(text !== ""));
    }
    const wrong = LINK_FIELDS.find((name) => fields?.[name] !== undefined);
    if (wrong === undefined) return false;
    this.field(wrong).focus();
    // The lines that were just shown may have pushed the form's button out of sight.
    for (const place of [this.element, this.box(wrong)]) place.scrollIntoView({ block: "nearest" });
    return true;
  }

  private isHalfADate(): boolean {
    return this.field("expiresAt").validity.badInput;
  }

  private wire(name: Name, id: string): void {
    const [field, about, wrong] = [this.field(name), this.line(name, "[data-hint]"), this.line(name, "[data-wrong]")];
    find<HTMLLabelElement>(this.box(name), "label").htmlFor = field.id = id;
    about.id = `${id}-about`;
    wrong.id = `${id}-wrong`;
    field.setAttribute("aria-describedby", `${wrong.id} ${about.id}`);
  }

  private write(texts: LinkTexts): void {
    for (const name of LINK_FIELDS) {
      const field = this.field(name);
      // Setting a field to the text that it has would still move the cursor.
      if (field.value !== texts[name] || field.validity.badInput) field.value = texts[name];
    }
    this.explain();
    checkTyped();
  }

  private explain(): void {
    const shows = this.field("shows") as HTMLSelectElement;
    this.line("shows", "[data-hint]").textContent = shows.selectedOptions[0]?.dataset["about"] ?? "";
  }

  private field(name: Name): Field {
    return find<Field>(this.element, `[name=${name}]`);
  }

  private box(name: Name): HTMLElement {
    return find(this.element, `[data-field=${name}]`);
  }

  private line(name: Name, selector: string): HTMLElement {
    return find(this.box(name), selector);
  }
}

function zone(): string {
  return Temporal.Now.timeZoneId();
}
