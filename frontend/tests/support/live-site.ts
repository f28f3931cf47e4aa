/** Provides a client that is live on a month with one item, and listens to what it tells. */
import type { LiveEvents } from "../../src/client/screen/events";
import { FakeSite } from "./fake-site";
import { CALENDAR, days, item, onDay, state, uuid } from "./items";

export const MONTH = days(0, 30);
export const KEY = { calendar: CALENDAR, id: uuid(1) };

export function listen<Name extends keyof LiveEvents>(site: FakeSite, name: Name): LiveEvents[Name][] {
  const heard: LiveEvents[Name][] = [];
  site.client.on(name, (event) => heard.push(event));
  return heard;
}

/** Return the site of a client that shows a month with item 1, at revision 5. */
export async function liveSite(): Promise<FakeSite> {
  const site = new FakeSite({ userId: "9" });
  site.client.show("test", CALENDAR, MONTH);
  site.hello();
  site.subscribed(state(5));
  await site.feed(state(5), [item(1, state(4), onDay(3))]);
  return site;
}
