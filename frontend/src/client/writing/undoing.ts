/** Carries out the steps of an undo one after the other, and reports which were refused. */
import type { UndoStep } from "../../core/undo";
import type { ItemKey } from "../../protocol/item";
import type { State } from "../../protocol/state";
import type { ApiError, Result } from "../api/http";
import type { BulkEdit, Expected } from "../api/items";

/** The calls that an undo consists of. Each has a key of its own. */
export interface UndoCalls {
  edit(calendar: string, edits: readonly BulkEdit[]): Promise<Result<State | null>>;
  remove(calendar: string, items: readonly Expected[]): Promise<Result<State>>;
  restore(calendar: string, ids: readonly string[], state: State): Promise<Result<State>>;
  move(key: ItemKey, to: string, state: State): Promise<Result<State>>;
}

export interface UndoOutcome {
  readonly done: number;
  readonly refused: readonly ApiError[];
}

/**
 * Remembers the states at which the page's undos brought items back. An older change of the page expects an item at the
 * state that it had then. After an undo, the item has the same content at a newer state, and the next undo in a row
 * must name that state.
 */
export class Returned {
  private readonly states = new Map<string, State>();

  now(id: string, state: State): State {
    let at = state;
    for (let next: State | undefined = at; next !== undefined; next = this.states.get(`${id} ${at}`)) at = next;
    return at;
  }

  set(id: string, was: State | undefined, now: State): void {
    if (was !== undefined && was !== now) this.states.set(`${id} ${was}`, now);
  }
}

/** Carry out the steps in order. A refused step does not stop the others. */
export async function carryOut(calls: UndoCalls, steps: readonly UndoStep[], returned: Returned): Promise<UndoOutcome> {
  const refused: ApiError[] = [];
  for (const step of steps) {
    const result = await one(calls, step, returned);
    if (!result.ok) refused.push(result.error);
  }
  return { done: steps.length - refused.length, refused };
}

async function one(calls: UndoCalls, step: UndoStep, returned: Returned): Promise<Result<unknown>> {
  switch (step.type) {
    case "restore": {
      const result = await calls.restore(step.calendar, step.ids, step.state);
      if (result.ok) for (const id of step.ids) returned.set(id, step.was.get(id), result.value);
      return result;
    }
    case "delete":
      return calls.remove(
        step.calendar,
        step.ids.map((id) => ({ id, state: returned.now(id, step.state) })),
      );
    case "edit": {
      const edits = step.edits.map(({ id, changes, state }) => ({ id, changes, state: returned.now(id, state) }));
      const result = await calls.edit(step.calendar, edits);
      if (result.ok && result.value !== null) for (const { id, was } of step.edits) returned.set(id, was, result.value);
      return result;
    }
    case "move": {
      const moved = await calls.move(step, step.to, returned.now(step.id, step.state));
      if (!moved.ok || step.after.length === 0) return moved;
      return calls.edit(
        step.to,
        step.after.map(({ id, changes }) => ({ id, changes, state: moved.value })),
      );
    }
    default:
      return step satisfies never;
  }
}
