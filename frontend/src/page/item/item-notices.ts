/** Shows problems and news above the form of an item. */
import { copyText } from "../dom/copying";
import type { Toasts } from "../notice/toasts";
import type { PageData } from "../words/page-data";

interface Parts {
  readonly page: PageData;
  readonly toasts: Toasts;
}

export class ItemNotices {
  constructor(
    private readonly body: HTMLElement,
    private readonly parts: Parts,
  ) {}

  /** Say what did not work; in a toast, if there is no form. */
  complain(text: string, signedOut = false): void {
    const notice = this.body.querySelector<HTMLElement>("[data-problem]");
    const line = notice?.querySelector("[data-problem-text]");
    if (!notice || !line) return void this.parts.toasts.show(text);
    line.textContent = text;
    const link = notice.querySelector<HTMLElement>("[data-problem-sign-in]");
    if (link) link.hidden = !signedOut;
    notice.hidden = false;
    notice.scrollIntoView({ block: "nearest" });
  }

  /** Show one piece of news in place of any other, and of a comparison, which it makes out of date. */
  tell(name: "changed" | "deleted" | "locked", text: string): void {
    for (const notice of this.body.querySelectorAll<HTMLElement>("[data-news], [data-versions]")) {
      notice.hidden = notice.dataset["news"] !== name;
      const line = notice.hidden ? null : notice.querySelector("[data-news-text]");
      if (line) line.textContent = text;
      if (!notice.hidden) notice.scrollIntoView({ block: "nearest" });
    }
  }

  /** Copy to the clipboard what was typed and can no longer be saved. */
  async copy(text: string): Promise<void> {
    const { page, toasts } = this.parts;
    if (await copyText(text, this.body)) toasts.confirm(page.texts.copied);
    else toasts.show(page.texts.notCopied);
  }
}
