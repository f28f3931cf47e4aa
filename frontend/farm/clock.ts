/** Reads CLOCK_MONOTONIC, the clock that all processes of a machine share (Python's `time.monotonic`). */

/** Return milliseconds since the machine's own fixed point. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
