/** Deletes an item or moves it to another calendar, and says why if the server refuses. */
import type { ItemKey, LiveClient, State } from "../../fullcalendar";
import type { Toasts } from "../notice/toasts";
import { fill, type PageData, shortTitle } from "../words/page-data";
import { reasonOf } from "../words/refusals";

interface Parts {
  readonly client: LiveClient;
  readonly page: PageData;
  readonly toasts: Toasts;
}

interface Deletion {
  /** The state that the deletion is based on. */
  readonly state: State;
  readonly children: "delete" | "reparent";
}

/** Delete an item. It disappears at once. If the server refuses, a toast says so. */
export async function removeItem({ client, page, toasts }: Parts, key: ItemKey, deletion: Deletion): Promise<void> {
  const item = client.item(key);
  const title = item && "title" in item ? shortTitle(item.title) : "";
  const result = await client.deleteItem(key, deletion);
  if (result.ok) return;
  toasts.show(fill(page.texts.notDeleted, { title, reason: reasonOf(result.error, page, client) }));
}

/** Move an item to another calendar. Returns why it could not be moved, or null. */
export async function moveItem(
  { client, page }: Parts,
  key: ItemKey,
  { state, to }: { readonly state: State; readonly to: string },
): Promise<string | null> {
  const result = await client.moveItem(key, to, { state });
  return result.ok ? null : fill(page.texts.moveRefused, { reason: reasonOf(result.error, page, client) });
}
