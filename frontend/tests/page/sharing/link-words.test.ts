/** Tests how a public link becomes the texts of its form, and how these become a link again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LinkFields } from "../../../src/client/api/sharing";
import { changedFields, embedCode, endText, followed, textsOf } from "../../../src/page/sharing/link-words";

const MANILA = "Asia/Manila";
const LINK: LinkFields = { name: "Website", shows: "full", expiresAt: null, frameOrigins: ["https://a.example"] };
const TEXTS = textsOf(LINK, MANILA);

describe("what is sent", () => {
  it.each([
    [{}, {}],
    [{ name: "Poster" }, { name: "Poster" }],
    [{ expiresAt: "2026-12-24" }, { expiresAt: "2026-12-24T16:00:00Z" }],
    [{ expiresAt: "soon" }, { expiresAt: "soon" }],
    [{ frameOrigins: "" }, { frameOrigins: [] }],
    [
      { frameOrigins: " https://a.example\n\nhttps://b.example, c " },
      { frameOrigins: ["https://a.example", "https://b.example", "c"] },
    ],
  ])("of %j typed is %j", (typed, sent) => {
    expect(changedFields(TEXTS, { ...TEXTS, ...typed }, MANILA)).toEqual(sent);
  });

  it("takes an end away", () => {
    const before = { ...TEXTS, expiresAt: "2026-12-24" };
    expect(changedFields(before, TEXTS, MANILA)).toEqual({ expiresAt: null });
  });

  it("ends with its last day, where and however long that is", () => {
    const day = fc.date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });
    const zone = fc.constantFrom("UTC", MANILA, "America/Sao_Paulo", "Africa/Cairo", "Pacific/Auckland");
    fc.assert(
      fc.property(day, zone, (date, there) => {
        const expiresAt = date.toISOString().slice(0, 10);
        const sent = changedFields(TEXTS, { ...TEXTS, expiresAt }, there);
        expect(textsOf({ ...LINK, ...sent }, there).expiresAt).toBe(expiresAt);
      }),
    );
  });
});

describe("an end", () => {
  it.each([
    ["2026-12-24T16:00:00Z", MANILA, "24 Dec 2026"],
    ["2026-12-24T16:00:00Z", "UTC", "24 Dec 2026, 16:00"],
  ])("%s in %s is %s", (expiresAt, zone, text) => {
    expect(endText(expiresAt, "en-GB", zone)).toBe(text);
  });
});

it("a form follows its link, except where somebody types", () => {
  const now = { ...TEXTS, name: "Poster", shows: "freebusy" };
  expect(followed({ ...TEXTS, name: "Websi" }, TEXTS, now)).toEqual({ ...now, name: "Websi" });
});

it("embed code keeps a calendar's name a text", () => {
  const code = embedCode("https://c.example/public/a.b/embed/?x=1&y=2", `"><img src=x> & 'Team'`);
  const [frame, ...rest] = code.match(/<[^>]*>/g) ?? [];
  expect(frame).toContain("title=\"&#34;&#62;&#60;img src=x&#62; &#38; 'Team'\"");
  expect(frame).toContain('src="https://c.example/public/a.b/embed/?x=1&#38;y=2"');
  expect(frame).toContain('sandbox="allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"');
  expect(rest).toEqual(["</iframe>"]);
});
