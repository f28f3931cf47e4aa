/** Finds what a template promises to hold; what lacks it is a mistake of ours, not of whoever uses the page. */
export function find<E extends HTMLElement = HTMLElement>(place: ParentNode, selector: string): E {
  const found = place.querySelector<E>(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}
