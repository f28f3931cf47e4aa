/** Tests that a page that only reads is sent no code that writes. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const SOURCES = new URL("../../src/", import.meta.url);
const IMPORTS = /^(?:import|export) (?!type )(?:[^;]*? from )?"(\.[^"]+)";/gms;
const WRITING =
  /^client\/(live-client|writing\/|api\/(items|keys|sharing|trash)\.)|^fullcalendar\/(index|save-dates)\./;

/** Return the scripts below src/ that a script loads, including itself. An import of types alone loads nothing. */
function loaded(path: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  const place = new URL(path, SOURCES);
  for (const [, name = ""] of readFileSync(place, "utf8").matchAll(IMPORTS)) {
    if (name.endsWith(".css")) continue;
    const file = [`${name}.ts`, `${name}/index.ts`].find((one) => existsSync(new URL(one, place)));
    if (file === undefined) throw new Error(`${path} imports ${name}, which is no source.`);
    loaded(new URL(file, place).href.slice(SOURCES.href.length), seen);
  }
  return seen;
}

// Seen failing when the plug-in loads saveDates, and when the runner of a calendar sends its edits.
test.each(["embed/index.ts", "public/index.ts"])("page_that_only_reads_loads_no_code_that_writes: %s", (entry) => {
  const scripts = [...loaded(entry)];
  expect(scripts).toContain("client/live-reader.ts");
  expect(scripts.filter((path) => WRITING.test(path))).toEqual([]);
});

test("page_that_writes_loads_that_code", () => {
  expect([...loaded("page/index.ts")].filter((path) => WRITING.test(path)).length).toBeGreaterThan(5);
});
