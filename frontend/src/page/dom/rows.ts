/** Keeps the rows of a list in step with its data. Rows that stay keep their focus and their open parts. */

export interface RowKind<T> {
  /** The id of a template with one element in it. */
  readonly template: string;
  keyOf(entry: T): string;
  /** Add listeners to a row that was just made. */
  wire(row: HTMLElement, key: string): void;
  /** Show an entry as it is now. */
  show(row: HTMLElement, entry: T): void;
}

export function showRows<T>(list: HTMLElement, entries: readonly T[], kind: RowKind<T>): void {
  const focused = document.activeElement;
  const rows = new Map([...list.children].map((row) => [(row as HTMLElement).dataset["key"], row as HTMLElement]));
  for (const entry of entries) {
    const key = kind.keyOf(entry);
    const row = rows.get(key) ?? makeRow(kind, key);
    rows.delete(key);
    if (row === null) continue;
    kind.show(row, entry);
    list.append(row);
  }
  for (const row of rows.values()) row.remove();
  // An element that is moved loses the focus.
  if (focused instanceof HTMLElement && focused !== document.activeElement && list.contains(focused)) focused.focus();
}

/** Return a copy of a template's one element. */
export function copyOf(template: string): HTMLElement | null {
  const found = document.querySelector<HTMLTemplateElement>(`#${template}`);
  const copy = found?.content.firstElementChild?.cloneNode(true);
  return copy instanceof HTMLElement ? copy : null;
}

/** Set the text of a part of a row. */
export function say(row: HTMLElement, selector: string, text: string): void {
  const place = row.querySelector(selector);
  if (place && place.textContent !== text) place.textContent = text;
}

function makeRow<T>(kind: RowKind<T>, key: string): HTMLElement | null {
  const row = copyOf(kind.template);
  if (row === null) return null;
  row.dataset["key"] = key;
  kind.wire(row, key);
  return row;
}
