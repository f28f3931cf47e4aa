/** Tells whether something listed has ended, and waits for the next end. */

/** The longest wait that a browser's timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** An instant, or null for never. */
type End = string | null;

export function isOver(end: End): boolean {
  return end !== null && Date.parse(end) <= Date.now();
}

/** Waits for one end at a time. */
export class NextEnd {
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Run something at the next of these ends, or earlier if that is too far for a timer. Cancels the previous wait. */
  await(ends: readonly End[], run: () => void): void {
    clearTimeout(this.timer);
    const waits = ends.map((end) => Date.parse(end ?? "") - Date.now()).filter((ms) => ms > 0);
    if (waits.length > 0) this.timer = setTimeout(run, Math.min(LONGEST_MS, ...waits));
  }
}
