/** Asks before the page is left while something typed is not saved. Listens for leaving only then: pages that listen may be kept out of a browser's back/forward cache. */
type Question = () => boolean;

const questions = new Set<Question>();

/** Say how to find out whether something typed would be lost now. */
export function watchTyped(isTyped: Question): void {
  questions.add(isTyped);
}

/** Check again, after what no event of a field or dialog tells: saved, or forgotten. */
export function checkTyped(): void {
  if (isAnyTyped()) addEventListener("beforeunload", askToStay);
  else removeEventListener("beforeunload", askToStay);
}

function isAnyTyped(): boolean {
  return [...questions].some((isTyped) => isTyped());
}

function askToStay(event: BeforeUnloadEvent): void {
  if (isAnyTyped()) event.preventDefault();
  else checkTyped();
}

// After the forms' own listeners. `close` does not bubble.
for (const name of ["input", "change"]) document.addEventListener(name, checkTyped);
document.addEventListener("close", () => setTimeout(checkTyped), { capture: true });
