/** When what is listed ends, by the browser's clock: whether it has, and a wait for the next end. Never says what becomes of it then. */

/** A longer wait is none to a browser. */
const LONGEST_MS = 2 ** 31 - 1;

/** An instant; null: never. */
type End = string | null;

export function isOver(end: End): boolean {
  return end !== null && Date.parse(end) <= Date.now();
}

/** One wait at a time. */
export class NextEnd {
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Run something at the next of these ends, or earlier when that is too far to wait for. What waited before does not run any more. */
  await(ends: readonly End[], run: () => void): void {
    clearTimeout(this.timer);
    const waits = ends.map((end) => Date.parse(end ?? "") - Date.now()).filter((ms) => ms > 0);
    if (waits.length > 0) this.timer = setTimeout(run, Math.min(LONGEST_MS, ...waits));
  }
}
