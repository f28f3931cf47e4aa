/** Covers the calendars while their user is signed out. */
import type { LiveReader } from "../../client/live-reader";
import { backBy } from "./connection-sign";

/** Cover them from now on, whenever the user is signed out. An open dialog stays, with what is typed in it. */
export function coverWhenSignedOut(client: LiveReader, loginUrl: string): void {
  const cover = document.getElementById("signed-out");
  if (cover === null) return;
  const show = () => {
    const isOut = client.status() === "signed-out";
    cover.hidden = !isOut;
    document.body.toggleAttribute("data-signed-out", isOut);
    const link = cover.querySelector("a");
    if (link) link.href = backBy(loginUrl);
  };
  client.on("status", show);
  show();
}
