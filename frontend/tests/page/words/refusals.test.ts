/**
 * Tests what users read about a refusal: the site's own words, and nothing that the library or a proxy says to
 * developers.
 */
import { describe, expect, it } from "vitest";
import type { ApiError } from "../../../src/client/api/http";
import type { PageData } from "../../../src/page/words/page-data";
import { complaintOf, reasonOf } from "../../../src/page/words/refusals";

// The text of each name is the name itself.
const texts = new Proxy({}, { get: (_, name) => String(name) });
const page = { texts } as unknown as PageData;

const ERRORS: readonly (readonly [ApiError, string])[] = [
  [{ status: 409, code: "already_member", detail: "Ben is in it." }, "Ben is in it."],
  [{ status: 422, code: "invalid", detail: "Some.", fields: { to: ["Nobody."] } }, "Nobody."],
  [{ status: 401, code: "signed_out", detail: "Sign in first." }, "signedOutHint"],
  [{ status: 200, code: "unreadable", detail: "The answer is not JSON." }, "unexpected"],
  [{ status: 502, code: "http_502", detail: "Bad Gateway" }, "unexpected"],
  [{ status: 0, code: "invalid", detail: "This event is not a live one." }, "unexpected"],
];

describe("a refusal is told in the site's words", () => {
  /** Seen failing with the detail of an answer that could not be read, and with a proxy's "Bad Gateway". */
  it.each(ERRORS)("%o", (error, said) => {
    expect(complaintOf(error, page)).toBe(said);
    expect(reasonOf(error, page)).toBe(said);
  });

  it("without a connection", () => {
    const error: ApiError = { status: 0, code: "network", detail: "TypeError: Failed to fetch" };
    expect([complaintOf(error, page), reasonOf(error, page)]).toEqual(["shareNoConnection", "noConnection"]);
  });
});
