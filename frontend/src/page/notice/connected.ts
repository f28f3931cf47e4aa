/** Tells when the page is connected again, so that what was said of a lost connection can be taken back. Says nothing itself. */
import type { LiveReader } from "../../client/live-reader";

export function onConnected(client: LiveReader, run: () => void): void {
  client.on("status", ({ status }) => {
    if (status === "live") run();
  });
  addEventListener("online", run); // after a loss so short that no status told of it
}
