/** Writes items for a page, and repeats each write until it has an answer. */
import type { UndoStep } from "../../core/undo";
import type { ItemKey } from "../../protocol/item";
import type { State } from "../../protocol/state";
import type { Call, Result } from "../api/http";
import {
  type BulkEdit,
  type Deleted,
  type DeleteOptions,
  deleteItem,
  deleteItems,
  type Expected,
  editItems,
  moveItem,
  type PatchOptions,
  patchItem,
  restoreItems,
  type Written,
} from "../api/items";
import type { Edges } from "../edges";
import type { CalendarRunner } from "../sync/calendar-runner";
import { type MutationListener, Mutations } from "./mutations";
import type { OwnMutations } from "./own-mutations";
import { persistently } from "./persistence";
import { carryOut, Returned, type UndoCalls, type UndoOutcome } from "./undoing";

interface Parts extends MutationListener {
  readonly edges: Edges;
  readonly call: Call;
  readonly own: OwnMutations;
  /** The runner of a calendar that is or was shown. */
  runner(calendar: string): CalendarRunner | undefined;
}

export class ItemWriter {
  private readonly returned = new Returned();
  private readonly mutations = new Map<CalendarRunner, Mutations>();

  constructor(private readonly parts: Parts) {}

  /** Tells whether a write has lost its answer and is being repeated. */
  get isUnsaved(): boolean {
    return [...this.mutations.values()].some((one) => one.isUnsaved);
  }

  patch(
    key: ItemKey,
    changes: object,
    { state, mutationId = this.parts.own.newId() }: Partial<PatchOptions> = {},
  ): Promise<Result<Written>> {
    const { call } = this.parts;
    const runner = this.parts.runner(key.calendar);
    if (runner !== undefined) {
      return this.mutationsOf(runner).mutate(key.id, { type: "patch", changes }, state ?? null, mutationId);
    }
    return this.persist(() => patchItem(call, key, changes, { mutationId, ...stateIfGiven(state) }));
  }

  async remove(
    key: ItemKey,
    { state, children, mutationId = this.parts.own.newId() }: Partial<DeleteOptions> = {},
  ): Promise<Result<Deleted>> {
    const { call } = this.parts;
    const below = children === undefined ? {} : { children };
    const runner = this.parts.runner(key.calendar);
    if (runner === undefined) {
      return this.persist(() => deleteItem(call, key, { ...below, mutationId, ...stateIfGiven(state) }));
    }
    const edit = { type: "delete", ...below } as const;
    const result = await this.mutationsOf(runner).mutate(key.id, edit, state ?? null, mutationId);
    if (!result.ok) return result;
    return { ok: true, value: { id: key.id, calendar: key.calendar, state: result.value.state as State } };
  }

  restore(
    calendar: string,
    ids: readonly string[],
    state: State,
    mutationId = this.parts.own.newId(),
  ): Promise<Result<State>> {
    return this.persist(() => restoreItems(this.parts.call, calendar, ids, { state, mutationId }));
  }

  move(
    key: ItemKey,
    to: string,
    state: State | undefined,
    mutationId = this.parts.own.newId(),
  ): Promise<Result<State>> {
    return this.persist(() => moveItem(this.parts.call, key, to, { mutationId, ...stateIfGiven(state) }));
  }

  undo(steps: readonly UndoStep[]): Promise<UndoOutcome> {
    const { own } = this.parts;
    const calls: UndoCalls = {
      edit: (calendar, edits) => this.undoEdits(calendar, edits, own.newUndoId()),
      remove: (calendar, items) => this.undoCreations(calendar, items, own.newUndoId()),
      restore: (calendar, ids, state) => this.restore(calendar, ids, state, own.newUndoId()),
      move: (key, to, state) => this.move(key, to, state, own.newUndoId()),
    };
    return carryOut(calls, steps, this.returned);
  }

  /** Edit a single item as the user would: the edit shows at once, and follows those under way for the item. */
  private async undoEdits(
    calendar: string,
    edits: readonly BulkEdit[],
    mutationId: string,
  ): Promise<Result<State | null>> {
    const [edit, more] = edits;
    if (edit === undefined || more !== undefined) {
      return this.persist(() => editItems(this.parts.call, calendar, edits, mutationId));
    }
    const { id, changes, state } = edit;
    const result = await this.patch({ calendar, id }, changes, { state, mutationId });
    return result.ok ? { ok: true, value: result.value.state } : result;
  }

  private async undoCreations(
    calendar: string,
    items: readonly Expected[],
    mutationId: string,
  ): Promise<Result<State>> {
    const [item, more] = items;
    if (item === undefined || more !== undefined) {
      return this.persist(() => deleteItems(this.parts.call, calendar, items, mutationId));
    }
    const result = await this.remove({ calendar, id: item.id }, { state: item.state, mutationId });
    return result.ok ? { ok: true, value: result.value.state } : result;
  }

  private mutationsOf(runner: CalendarRunner): Mutations {
    const known = this.mutations.get(runner);
    if (known !== undefined) return known;
    const mutations = new Mutations(runner, this.parts.call, this.parts);
    this.mutations.set(runner, mutations);
    return mutations;
  }

  private persist<T>(attempt: () => Promise<Result<T>>): Promise<Result<T>> {
    return persistently(this.parts.edges, attempt);
  }
}

function stateIfGiven(state: State | undefined): { readonly state?: State } {
  return state === undefined ? {} : { state };
}
