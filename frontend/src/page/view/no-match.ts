/** Says that the filters hide every item of the view. */

export class NoMatch {
  private readonly calendar = document.getElementById("calendar");
  private readonly note = document.getElementById("no-match");
  private isFiltered = false;

  constructor() {
    if (this.calendar)
      new MutationObserver(() => this.paint()).observe(this.calendar, { childList: true, subtree: true });
  }

  /** Take whether anything is filtered now. */
  show(isFiltered: boolean): void {
    this.isFiltered = isFiltered;
    this.paint();
  }

  private paint(): void {
    // A day with too little room shows only how many items it has.
    const isEmpty = () => this.calendar?.querySelector("[data-item], .more[role=button]") === null;
    if (this.note) this.note.hidden = !(this.isFiltered && isEmpty());
  }
}
