/** Calls back when the page is connected again, so that it can remove what it said about the loss. */
import type { LiveReader } from "../../client/live-reader";

export function onConnected(client: LiveReader, run: () => void): void {
  client.on("status", ({ status }) => {
    if (status === "live") run();
  });
  addEventListener("online", run); // after a loss so short that the status did not change
}
