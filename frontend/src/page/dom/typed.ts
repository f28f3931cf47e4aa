/** Asks before the page is left while something typed is not saved. Listens for leaving only then: pages that listen may be kept out of a browser's back/forward cache. */
type Question = () => boolean;

const questions = new Set<Question>();

/** Say how to find out whether something typed would be lost now. */
export function watchTyped(isTyped: Question): void {
  questions.add(isTyped);
}

/** Look again, after what no event of a field or dialog tells: saved, or forgotten. */
export function lookForTyped(): void {
  if (isAnyTyped()) addEventListener("beforeunload", hold);
  else removeEventListener("beforeunload", hold);
}

function isAnyTyped(): boolean {
  return [...questions].some((isTyped) => isTyped());
}

function hold(event: BeforeUnloadEvent): void {
  if (isAnyTyped()) event.preventDefault();
  else lookForTyped();
}

// After the forms' own listeners. `close` does not bubble.
for (const name of ["input", "change"]) document.addEventListener(name, lookForTyped);
document.addEventListener("close", () => setTimeout(lookForTyped), { capture: true });
