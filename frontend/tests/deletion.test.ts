/**
 * Tests that a real deletion passes the browser's functions in the order of docs/architecture.md, "The life of a
 * deletion".
 */
// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { Calendar } from "fullcalendar";
import dayGrid from "fullcalendar/daygrid";
import theme from "fullcalendar/themes/classic";
import { expect, test, vi } from "vitest";
import { liveEventSource, livePlugin } from "../src/fullcalendar";
import { removeItem } from "../src/page/item/item-removal";
import type { PageData } from "../src/page/words/page-data";
import { FakeSite, settle } from "./support/fake-site";
import { CALENDAR, item, onDay, state, uuid } from "./support/items";

const calls = vi.hoisted((): string[] => []);

/** Return a module whose functions, and the methods of whose classes, note each call. */
const traced = vi.hoisted(() => <Module extends object>(file: string, module: Module): Module => {
  const copy: Record<string, unknown> = {};
  for (const [name, exported] of Object.entries(module)) {
    copy[name] = exported;
    if (typeof exported !== "function") continue;
    if (/^[A-Z]/.test(name)) {
      const prototype = exported.prototype as Record<string, unknown>;
      for (const method of Object.getOwnPropertyNames(prototype)) {
        const known = Object.getOwnPropertyDescriptor(prototype, method)?.value as unknown;
        if (method === "constructor" || typeof known !== "function") continue;
        prototype[method] = function (this: unknown, ...given: unknown[]): unknown {
          calls.push(`${file} ${name}.${method}`);
          return known.apply(this, given) as unknown;
        };
      }
    } else {
      copy[name] = (...given: unknown[]): unknown => {
        calls.push(`${file} ${name}`);
        return exported(...given) as unknown;
      };
    }
  }
  return copy as Module;
});

vi.mock("../src/page/item/item-removal", async (original) => traced("page/item/item-removal.ts", await original()));
vi.mock("../src/client/writing/item-writer", async (original) =>
  traced("client/writing/item-writer.ts", await original()),
);
vi.mock("../src/core/overlay", async (original) => traced("core/overlay.ts", await original()));
vi.mock("../src/client/api/items", async (original) => traced("client/api/items.ts", await original()));
vi.mock("../src/protocol/guards", async (original) => traced("protocol/guards.ts", await original()));
vi.mock("../src/core/changes", async (original) => traced("core/changes.ts", await original()));
vi.mock("../src/client/screen/repaints", async (original) => traced("client/screen/repaints.ts", await original()));
vi.mock("../src/fullcalendar/viewer", async (original) => traced("fullcalendar/viewer.ts", await original()));
vi.mock("../src/fullcalendar/merge", async (original) => traced("fullcalendar/merge.ts", await original()));

/**
 * Return the steps of the table that run in a browser, in its order: those before the server's steps, and those after.
 */
function steps(): { readonly before: readonly string[]; readonly after: readonly string[] } {
  const text = readFileSync("../docs/architecture.md", "utf8");
  const table = text.split("## The life of a deletion")[1]?.split("```")[0] ?? "";
  const parts: [string[], string[]] = [[], []];
  let part = 0;
  for (const row of table.split("\n").filter((line) => line.startsWith("| "))) {
    if (row.includes(".py)")) part = 1;
    for (const [, file, names] of row.matchAll(/\]\(\.\.\/frontend\/src\/([\w/.-]+)\) ((?:`[\w.]+`(?:, )?)+)/g)) {
      for (const [, name] of (names ?? "").matchAll(/`([\w.]+)`/g)) parts[part as 0 | 1].push(`${file} ${name}`);
    }
  }
  return { before: parts[0], after: parts[1] };
}

/** Return the steps that are not found in the calls, each after the one before it. */
function missing(wanted: readonly string[]): readonly string[] {
  const left = [...wanted];
  for (const call of calls) if (call === left[0]) left.shift();
  return left;
}

function show(site: FakeSite): Calendar {
  const place = document.createElement("div");
  document.body.append(place);
  const calendar = new Calendar(place, {
    plugins: [dayGrid, theme, livePlugin],
    initialView: "dayGridMonth",
    initialDate: "2026-11-15",
    timeZone: "UTC",
    eventSources: [liveEventSource(site.client, CALENDAR)],
  });
  calendar.render();
  return calendar;
}

async function opened(): Promise<{ readonly site: FakeSite; readonly calendar: Calendar }> {
  const site = new FakeSite();
  const calendar = show(site);
  site.hello();
  site.subscribed(state(5));
  await site.feed(state(5), [item(1, state(4), onDay(3)), item(2, state(4), onDay(5))]);
  site.repaint();
  return { site, calendar };
}

const titles = (calendar: Calendar) => calendar.getEvents().map(({ title }) => title);

/** Seen failing with two rows of the table exchanged, and with a function renamed in it. */
test("a_deletion_passes_the_documented_functions_in_their_order", async () => {
  const { before, after } = steps();
  expect([before.length, after.length]).toEqual([4, 5]);
  const [ana, ben] = [await opened(), await opened()];

  calls.length = 0;
  const page = { texts: {} } as unknown as PageData;
  const toasts = { show: () => {} } as never;
  void removeItem(
    { client: ana.site.client, page, toasts },
    { calendar: CALENDAR, id: uuid(1) },
    {
      state: state(4),
      children: "delete",
    },
  );
  await settle();
  expect(missing(before)).toEqual([]);
  ana.site.repaint();
  expect(titles(ana.calendar)).toEqual(["Item 2"]); // before any answer
  expect(titles(ben.calendar)).toEqual(["Item 1", "Item 2"]);

  calls.length = 0;
  ben.site.change(state(5), state(6), [], [uuid(1)]);
  ben.site.repaint();
  expect(missing(after)).toEqual([]);
  expect(titles(ben.calendar)).toEqual(["Item 2"]);
  expect(ben.site.requests).toHaveLength(1); // the first feed
  for (const { calendar } of [ana, ben]) calendar.destroy();
});
