/** Starts and stops timers by name; a timer that is started again replaces the one before. */
import type { Edges, TimerId } from "../edges";

export class Timers<Name extends string> {
  private readonly running = new Map<Name, TimerId>();

  constructor(
    private readonly edges: Edges,
    private readonly fired: (name: Name) => void,
  ) {}

  start(name: Name, ms: number): void {
    this.stop(name);
    const run = () => {
      this.running.delete(name);
      this.fired(name);
    };
    this.running.set(name, this.edges.setTimer(run, ms));
  }

  stop(name: Name): void {
    const id = this.running.get(name);
    if (id === undefined) return;
    this.running.delete(name);
    this.edges.clearTimer(id);
  }
}
