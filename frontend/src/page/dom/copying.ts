/** Copies a text, also where the browser offers no clipboard: to pages that came without TLS. Never says whether it did: who asked does. */

/** Copy a text. `place`: where the focus may go meanwhile, such as the open dialog. Returns whether it could be done. */
export async function copyText(text: string, place: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelection(text, place);
  }
}

function copySelection(text: string, place: HTMLElement): boolean {
  const before = document.activeElement;
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  field.className = "visually-hidden";
  place.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return isDone;
}
