/** Remembers the Idempotency-Keys of this page, so that it recognizes its own changes and undos. */
import type { Edges } from "../edges";

const REMEMBERED_AT_MOST = 256;

export class OwnMutations {
  private readonly ids = new Set<string>();
  private readonly undos = new Set<string>();

  constructor(private readonly edges: Pick<Edges, "uuid">) {}

  newId(): string {
    const id = this.edges.uuid();
    this.ids.add(id);
    const [oldest] = this.ids;
    if (this.ids.size > REMEMBERED_AT_MOST && oldest !== undefined) {
      this.ids.delete(oldest);
      this.undos.delete(oldest);
    }
    return id;
  }

  newUndoId(): string {
    const id = this.newId();
    this.undos.add(id);
    return id;
  }

  has(mutationId: string | null): boolean {
    return mutationId !== null && this.ids.has(mutationId);
  }

  isUndo(mutationId: string | null): boolean {
    return mutationId !== null && this.undos.has(mutationId);
  }
}
