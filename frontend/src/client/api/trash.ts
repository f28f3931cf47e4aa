/** Reads a calendar's deleted items from the API. */
import { isObject } from "../../protocol/checks";
import { type FullItem, isBusy, isItem } from "../../protocol/item";
import type { Call, Result } from "./http";

/** A deleted item. Its `state` is that of its deletion, which a restore must name. */
export interface TrashedItem extends FullItem {
  /** An instant. */
  readonly deletedAt: string;
  /** A user's id, or null. */
  readonly deletedBy: string | null;
}

/** Return the deleted items of a calendar that the user may edit, newest first. */
export async function readTrash(call: Call, calendar: string): Promise<Result<readonly TrashedItem[]>> {
  const result = await call({ method: "GET", path: `calendars/${calendar}/trash/` });
  if (!result.ok) return result;
  const { json, status } = result.value;
  if (Array.isArray(json) && json.every(isTrashed)) return { ok: true, value: json };
  return { ok: false, error: { status, code: "unreadable", detail: "The trash could not be read." } };
}

function isTrashed(value: unknown): value is TrashedItem {
  if (!isObject(value) || !isItem(value) || isBusy(value)) return false;
  const { deletedAt, deletedBy } = value as { readonly deletedAt?: unknown; readonly deletedBy?: unknown };
  return typeof deletedAt === "string" && (deletedBy === null || typeof deletedBy === "string");
}
