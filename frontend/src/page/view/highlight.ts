/** Makes items glow for a moment when they change. */
import type { LiveClient } from "../../fullcalendar";

const GLOW_MS = 1_800;
/** How many changed items may glow. More at once are not a change to notice, but a new picture. */
const AT_MOST = 12;

/** Highlight changed items from now on. */
export function highlightChanges(client: LiveClient, root: HTMLElement): void {
  client.on("changed", ({ upserted }) => {
    if (upserted.length > AT_MOST) return;
    // The next repaint draws the picture; the elements are there at the one after it.
    requestAnimationFrame(() => requestAnimationFrame(() => glow(root, upserted)));
  });
}

function glow(root: HTMLElement, ids: readonly string[]): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const id of ids) {
    for (const element of root.querySelectorAll(`[data-item="${CSS.escape(id)}"]`)) {
      element.animate([{ boxShadow: "0 0 0 3px var(--glow)" }, { boxShadow: "0 0 0 3px transparent" }], {
        duration: GLOW_MS,
        easing: still ? "steps(1, end)" : "ease-out",
      });
    }
  }
}
