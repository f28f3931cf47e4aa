/** Runs the core through a scenario of tests/model/scenarios, and checks after each step what is on screen. */
import { readdirSync, readFileSync } from "node:fs";
import { ANSWER_MS, type CalendarState, type Effect, type Input, newCalendar } from "../../src/core/model";
import { picture } from "../../src/core/picture";
import { isInRange, type Range, rangeKey } from "../../src/core/range";
import { type Reduce, reduce } from "../../src/core/reduce";
import type { ChangesFrame, ResetFrame, SubscribedFrame } from "../../src/protocol/frames";
import { type Item, readItem } from "../../src/protocol/item";
import type { State } from "../../src/protocol/state";

const FOLDER = new URL("../../../tests/model/scenarios/", import.meta.url);

interface Span {
  readonly start: string;
  readonly end: string;
}

export interface Expected {
  readonly view: Readonly<Record<string, Readonly<Record<string, State>>>>;
  readonly cursor: Readonly<Record<string, State | null>>;
  readonly subscribes: readonly string[];
}

type ScriptedFrame =
  | (Omit<SubscribedFrame, "id"> & { readonly id: { readonly subscribe: number } })
  | ChangesFrame
  | ResetFrame
  | { readonly type: "head"; readonly states: Readonly<Record<string, State>> }
  | { readonly type: "rights"; readonly calendar: string; readonly rights: null };

interface Fetched {
  readonly calendar: string;
  readonly range: Span;
  readonly fetch: number;
}

interface Answer {
  readonly state: State;
  readonly access: string;
  readonly rows: readonly Item[];
}

interface Edited {
  readonly calendar: string;
  readonly item: string;
  readonly key: string;
}

type Done =
  | { readonly do: "show"; readonly calendar: string; readonly ranges: readonly Span[] }
  | { readonly do: "open" | "close" }
  | { readonly do: "frame"; readonly frame: ScriptedFrame }
  | ({ readonly do: "feed"; readonly answer: Answer } & Fetched)
  | ({ readonly do: "feedNotFound" } & Fetched)
  | { readonly do: "timer"; readonly calendar: string; readonly name: string }
  | ({ readonly do: "delete" | "refused" } & Edited)
  | ({ readonly do: "answered"; readonly state: State } & Edited);

export type ScenarioStep = Done & { readonly expect: Expected };

export interface Scenario {
  readonly name: string;
  readonly rules: string;
  readonly steps: readonly ScenarioStep[];
}

/** Read all scenarios, by the names of their files. */
export function readScenarios(): ReadonlyMap<string, Scenario> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
  // Items reach the core as the client's guard completes them.
  const whole = (_: string, value: unknown) => readItem(value) ?? value;
  const read = (name: string) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf-8"), whole) as Scenario;
  return new Map(files.sort().map((name) => [name.replace(".json", ""), read(name)]));
}

/** Runs the reducer of one calendar, and notes what it has asked for so far. */
class Led {
  readonly subscribes: number[] = [];
  readonly fetches = new Map<string, number[]>();
  readonly timers = new Set<string>();
  private state: CalendarState;

  constructor(
    readonly calendar: string,
    lane: number,
    private readonly reduce: Reduce,
  ) {
    this.state = newCalendar(calendar, lane);
  }

  take(input: Input): void {
    const { state, effects } = this.reduce(this.state, input, 0.5);
    this.state = state;
    for (const effect of effects) this.note(effect);
  }

  private note(effect: Effect): void {
    if (effect.type === "send" && effect.frame.type === "subscribe") this.subscribes.push(effect.frame.id);
    if (effect.type === "fetch") {
      const key = rangeKey(effect.range);
      this.fetches.set(key, [...(this.fetches.get(key) ?? []), effect.ask]);
    }
    // No scenario is about an answer that never comes.
    if (effect.type === "startTimer" && effect.ms !== ANSWER_MS) this.timers.add(effect.name);
    if (effect.type === "stopTimer") this.timers.delete(effect.name);
  }

  show(ranges: readonly Range[]): void {
    const wanted = new Set(ranges.map(rangeKey));
    const left = [...this.state.shown.keys()].filter((key) => !wanted.has(key));
    for (const range of ranges) {
      if (!this.state.shown.has(rangeKey(range))) this.take({ type: "show", viewer: rangeKey(range), range });
    }
    for (const viewer of left) this.take({ type: "hide", viewer });
  }

  fire(names: readonly string[]): void {
    for (const name of [...this.timers].filter((one) => names.some((start) => one.startsWith(start)))) {
      this.timers.delete(name);
      this.take({ type: "timer", name } as Input);
    }
  }

  view(): Record<string, State> {
    const ranges = [...this.state.shown.values()].map((shown) => shown.range);
    const seen = [...picture(this.state)].filter((item) => ranges.some((range) => isInRange(item, range)));
    return Object.fromEntries(seen.map((item) => [item.id, item.state]));
  }

  get cursor(): State | null {
    return this.state.cursor;
  }
}

/** Leads a page of several calendars through a scenario, step by step. */
export class Replay {
  private readonly calendars = new Map<string, Led>();
  private connected = false;

  constructor(private readonly reducer: Reduce = reduce) {}

  /** Take a step. Return what is on screen after it, and which calendars asked to subscribe. */
  take(step: ScenarioStep): Expected {
    const before = new Map([...this.calendars].map(([key, led]) => [key, led.subscribes.length]));
    this.do(step);
    const all = [...this.calendars].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      view: Object.fromEntries(all.map(([key, led]) => [key, led.view()])),
      cursor: Object.fromEntries(all.map(([key, led]) => [key, led.cursor])),
      subscribes: all.filter(([key, led]) => led.subscribes.length > (before.get(key) ?? 0)).map(([key]) => key),
    };
  }

  private do(step: ScenarioStep): void {
    switch (step.do) {
      case "show":
        return this.led(step.calendar).show(step.ranges.map(rangeOf));
      case "open":
      case "close":
        this.connected = step.do === "open";
        for (const led of this.calendars.values()) led.take({ type: this.connected ? "opened" : "closed" });
        return;
      case "frame":
        return this.frame(step.frame);
      case "feed": {
        const answer = { ...step.answer, etag: null };
        return this.led(step.calendar).take({ type: "feed", ask: this.askOf(step), answer });
      }
      case "feedNotFound": {
        const failure = { kind: "gone", reason: "not_found" } as const;
        return this.led(step.calendar).take({ type: "feedFailed", ask: this.askOf(step), failure });
      }
      case "timer":
        // The model has one timer for asking again. Here, asking again after an error has a timer of its own.
        return this.led(step.calendar).fire(step.name === "gap" ? ["gap", "resubscribe"] : [step.name]);
      case "delete": {
        const { key, item: id } = step;
        return this.led(step.calendar).take({ type: "mutate", key, id, edit: { type: "delete" }, state: null });
      }
      case "answered":
        return this.led(step.calendar).take({ type: "mutationAnswered", key: step.key, state: step.state });
      case "refused":
        return this.led(step.calendar).take({ type: "mutationRefused", key: step.key });
      default:
        return step satisfies never;
    }
  }

  private frame(frame: ScriptedFrame): void {
    switch (frame.type) {
      case "subscribed": {
        const led = this.led(frame.calendar);
        return led.take({ type: "subscribed", frame: { ...frame, id: nth(led.subscribes, frame.id.subscribe) } });
      }
      case "changes":
        return this.led(frame.calendar).take({ type: "changes", frame });
      case "reset":
        return this.led(frame.calendar).take({ type: "reset", frame });
      case "rights":
        return this.led(frame.calendar).take({ type: "withdrawn" });
      case "head":
        for (const [calendar, state] of Object.entries(frame.states)) this.led(calendar).take({ type: "head", state });
        return;
      default:
        return frame satisfies never;
    }
  }

  private askOf({ calendar, range, fetch }: Fetched): number {
    return nth(this.led(calendar).fetches.get(rangeKey(rangeOf(range))) ?? [], fetch);
  }

  private led(calendar: string): Led {
    const known = this.calendars.get(calendar);
    if (known !== undefined) return known;
    const led = new Led(calendar, this.calendars.size + 1, this.reducer);
    if (this.connected) led.take({ type: "opened" });
    this.calendars.set(calendar, led);
    return led;
  }
}

function rangeOf({ start, end }: Span): Range {
  return { start: Date.parse(start), end: Date.parse(end) };
}

function nth(all: readonly number[], number: number): number {
  const one = all[number - 1];
  if (one === undefined) throw new Error(`asked only ${all.length} times, the scenario answers number ${number}`);
  return one;
}
