/**
 * Tests that the palette defines every colour that FullCalendar's theme uses, and is the only place that does. Seen
 * failing when embed.css did not import it, without one of its colours, and with a variable that only the page defines.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const namesOf = (text: string, pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, name]) => name));

const palette = read("src/page/styles/palette.css");
const theme = read("node_modules/fullcalendar/themes/breezy/theme.css");
const script = read("node_modules/fullcalendar/themes/breezy/index.js");

it("defines every colour of the theme", () => {
  const used = namesOf(theme + script, /var\((--fc-breezy-[\w-]+)\)/g);
  const defined = namesOf(theme + palette, /(--fc-breezy-[\w-]+):/g);
  expect(used.size).toBeGreaterThan(20);
  expect([...used].filter((name) => !defined.has(name))).toEqual([]);
});

it("uses no variable but its own, so that it means the same on every page", () => {
  const used = namesOf(palette, /var\((--[\w-]+)/g);
  const defined = namesOf(palette, /^ {2}(--[\w-]+):/gm);
  expect([...used].filter((name) => !defined.has(name))).toEqual([]);
  expect([...defined].filter((name) => !name?.startsWith("--fc-breezy-"))).toEqual([]);
});

it.each(["page/styles/tokens.css", "embed/embed.css"])("is in %s, and nowhere else", (sheet) => {
  expect(read(`src/${sheet}`)).toMatch(/@import "[^"]*palette\.css"/);
  expect(read(`src/${sheet}`)).not.toMatch(/--fc-breezy-[\w-]+:/);
});
