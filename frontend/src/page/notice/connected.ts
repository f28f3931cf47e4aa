/** Tells when the page is connected again, so that what was said of a lost connection can be taken back. Says nothing itself. */
import type { LiveClient } from "../../fullcalendar";

export function onConnected(client: LiveClient, run: () => void): void {
  client.on("status", ({ status }) => {
    if (status === "live") run();
  });
  addEventListener("online", run); // after a loss so short that no status told of it
}
