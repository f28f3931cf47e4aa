/** Reads a calendar's deleted items from the API. */
import { type FullItem, isBusy, readItem } from "../../protocol/item";
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
  const items = Array.isArray(json) ? json.map(trashed) : [null];
  if (items.every((item) => item !== null)) return { ok: true, value: items };
  return { ok: false, error: { status, code: "unreadable", detail: "The trash could not be read." } };
}

function trashed(value: unknown): TrashedItem | null {
  const item = readItem(value);
  if (item === null || isBusy(item)) return null;
  const { deletedAt, deletedBy } = item as { readonly deletedAt?: unknown; readonly deletedBy?: unknown };
  if (typeof deletedAt !== "string" || !(deletedBy === null || typeof deletedBy === "string")) return null;
  return { ...item, deletedAt, deletedBy };
}
