/** Asks before the user leaves a page on which something typed is not saved. */
type Question = () => boolean;

const questions = new Set<Question>();

/** Register a function that tells whether something typed would be lost if the page were left. */
export function watchTyped(isTyped: Question): void {
  questions.add(isTyped);
}

/**
 * Check again after something was saved or forgotten without an event. The page listens for leaving only while it must,
 * because pages that listen may be kept out of the back/forward cache.
 */
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

// These run after the forms' own listeners. `close` does not bubble.
for (const name of ["input", "change"]) document.addEventListener(name, checkTyped);
document.addEventListener("close", () => setTimeout(checkTyped), { capture: true });
