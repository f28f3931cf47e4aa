/** Tests that the end of something listed is noticed at its moment, however far away it is. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isOver, NextEnd } from "../../../src/page/sharing/ends";

const DAY_MS = 24 * 60 * 60 * 1000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("next_end_is_told_at_its_moment_and_what_is_over_or_has_no_end_is_not", () => {
  const [run, ends] = [vi.fn(), [inDays(2), inDays(1), inDays(-1), null]];
  new NextEnd().await(ends, run);
  vi.advanceTimersByTime(DAY_MS - 1);
  expect(run).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(run).toHaveBeenCalledOnce();
  expect(ends.map(isOver)).toEqual([false, true, true, false]);
});

// Seen failing without LONGEST_MS: a browser cannot wait longer than that, and runs the timer at once.
test("end_too_far_for_a_timer_is_awaited_in_parts", () => {
  const [nextEnd, end] = [new NextEnd(), inDays(60)];
  const seen: boolean[] = [];
  const look = () => {
    seen.push(isOver(end));
    if (seen.length < 3) nextEnd.await([end], look);
  };
  nextEnd.await([end], look);
  vi.advanceTimersByTime(24 * DAY_MS);
  expect(seen).toEqual([]);
  vi.advanceTimersByTime(36 * DAY_MS);
  expect(seen).toEqual([false, false, true]);
});

test("new_wait_takes_the_place_of_the_one_before", () => {
  const [run, nextEnd] = [vi.fn(), new NextEnd()];
  nextEnd.await([inDays(1)], run);
  nextEnd.await([], run);
  vi.advanceTimersByTime(2 * DAY_MS);
  expect(run).not.toHaveBeenCalled();
});
