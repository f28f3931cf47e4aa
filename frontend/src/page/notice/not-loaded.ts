/** Tells the user when a range cannot be loaded because there is no connection. */
import type { LiveReader } from "../../client/live-reader";

/** A connection that is back within this time is not worth mentioning. */
const PATIENCE_MS = 800;

/** Show the line from now on, whenever it applies. */
export function noteNotLoaded(client: LiveReader, text: string): void {
  const line = document.getElementById("not-loaded");
  if (line === null) return;
  let isLoading = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const isCutOff = () => isLoading && (client.status() === "offline" || !navigator.onLine);
  const show = () => {
    line.textContent = isCutOff() ? text : "";
  };
  const showSoon = () => {
    clearTimeout(timer);
    if (isCutOff()) timer = setTimeout(show, PATIENCE_MS);
    else show();
  };
  client.on("loading", ({ loading }) => {
    isLoading = loading;
    showSoon();
  });
  client.on("status", showSoon);
  addEventListener("online", showSoon);
  addEventListener("offline", showSoon);
}
