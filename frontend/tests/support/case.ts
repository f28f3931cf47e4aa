/** Drives one calendar of the core input by input, and tells what it asks for and what it shows. */
import { ANSWER_MS, type CalendarState, type Effect, type Input, newCalendar } from "../../src/core/model";
import { pictureIds } from "../../src/core/picture";
import { reduce } from "../../src/core/reduce";
import type { ChangesFrame } from "../../src/protocol/frames";
import type { Item } from "../../src/protocol/item";
import type { State } from "../../src/protocol/state";
import { CALENDAR, days, item, onDay, state } from "./items";

export const MONTH = days(0, 30);
export const ACCESS = "full.1";

/** A calendar, and the effects of its last input. */
export class Case {
  state: CalendarState = newCalendar(CALENDAR, 0);
  effects: readonly Effect[] = [];

  take(input: Input, random = 0.5): this {
    const step = reduce(this.state, input, random);
    this.state = step.state;
    this.effects = step.effects;
    return this;
  }

  /** Return what the calendar asked for, in short. */
  asked(): string[] {
    return this.effects.flatMap((effect) => {
      if (effect.type === "send")
        return effect.frame.type === "subscribe" ? [`subscribe ${effect.frame.state}`] : [effect.frame.type];
      if (effect.type === "fetch") return [`fetch ${effect.minRevision}`];
      if (effect.type === "startTimer" && effect.ms !== ANSWER_MS)
        return [`${effect.name.split(":")[0]} in ${effect.ms}`];
      return effect.type === "abort" ? ["abort"] : [];
    });
  }

  lastId(): number {
    return this.state.sequence * 4096;
  }

  lastAsk(): number {
    return this.state.lastAsk;
  }

  shows(): string[] {
    return pictureIds(this.state).sort();
  }

  subscribed(at: State, access = ACCESS, id = this.lastId()): this {
    return this.take({ type: "subscribed", frame: { type: "subscribed", id, calendar: CALENDAR, state: at, access } });
  }

  feed(at: State, rows: readonly Item[] | null, ask = this.lastAsk(), access = ACCESS): this {
    return this.take({ type: "feed", ask, answer: { state: at, access, etag: `"${at}"`, rows } });
  }

  change(oldState: State, newState: State, parts: Partial<ChangesFrame> = {}): this {
    return this.take({ type: "changes", frame: frame(oldState, newState, parts) });
  }

  reset(reason: "diverged" | "rights" = "diverged", spreadMs = 2000): this {
    return this.take({ type: "reset", frame: { type: "reset", calendar: CALENDAR, reason, spreadMs } });
  }
}

function frame(oldState: State, newState: State, parts: Partial<ChangesFrame>): ChangesFrame {
  const nothing = { more: false, upserted: [], destroyed: [], actor: null, mutationId: null };
  return { type: "changes", calendar: CALENDAR, oldState, newState, ...nothing, ...parts };
}

export const row = (number: number, revision: number, day = 3) => item(number, state(revision), onDay(day));

export function subscribing(): Case {
  return new Case().take({ type: "show", viewer: "a", range: MONTH }).take({ type: "opened" });
}

/** Return a calendar at cursor 5, with items 1 (revision 4) and 2 (revision 2). */
export function live(): Case {
  return subscribing()
    .subscribed(state(5))
    .feed(state(5), [row(1, 4), row(2, 2)]);
}
