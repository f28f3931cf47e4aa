/** Collects what changed on screen, and tells its listeners once before each repaint (C10). */
import type { Edges } from "../edges";

/** Per calendar: the items whose picture may have changed, or all of them. */
export type Dirty = ReadonlyMap<string, ReadonlySet<string> | "all">;
export type DirtyListener = (dirty: Dirty) => void;

export class Repaints {
  private dirty = new Map<string, Set<string> | "all">();
  private scheduled = false;
  private readonly listeners = new Set<DirtyListener>();

  constructor(private readonly edges: Edges) {}

  listen(listener: DirtyListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  add(calendar: string, ids: readonly string[] | "all"): void {
    const known = this.dirty.get(calendar);
    if (ids === "all") this.dirty.set(calendar, "all");
    else if (known === undefined) this.dirty.set(calendar, new Set(ids));
    else if (known !== "all") for (const id of ids) known.add(id);
    this.schedule();
  }

  /** Tell the listeners before the next repaint, even when nothing is dirty. */
  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.edges.nextRepaint(() => this.flush());
  }

  private flush(): void {
    const dirty = this.dirty;
    this.dirty = new Map();
    this.scheduled = false;
    for (const listener of this.listeners) listener(dirty);
  }
}
