/** Runs all clients of the farm as its driver commands, and counts what happens to them. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { PageSignal } from "../src/client/edges";
import { isState, revisionOf } from "../src/protocol/state";
import { clock } from "./clock";
import { compare } from "./compare";
import { type Fault, Lags } from "./lags";
import { Person, type PersonListener, type PersonOptions } from "./person";
import type { History } from "./watch";

export interface Acknowledged {
  readonly calendar: string;
  readonly state: string;
  /** Milliseconds of the shared clock. */
  readonly at: number;
}

/** A feed that was asked for: when, by which client, and of which calendar. */
interface FeedAsked {
  readonly at: number;
  readonly client: string;
  readonly calendar: string;
}

interface Return {
  readonly client: string;
  readonly leftAt: number;
  readonly backAt: number;
}

const LOOP_DELAY_EACH_MS = 10;

export class Farm {
  private readonly people = new Map<string, Person>();
  private readonly lags = new Lags();
  private readonly histories = new Map<string, History>();
  private readonly newest = new Map<string, number>();
  private readonly returns: Return[] = [];
  private readonly feeds: FeedAsked[] = [];
  private readonly frames = new Map<string, number>();
  private readonly resets = new Map<string, number>();
  private readonly complaints = new Map<string, number>();
  private violations = 0;
  private applied = 0;
  private oneHistory = true;
  private readonly loopDelay = monitorEventLoopDelay({ resolution: LOOP_DELAY_EACH_MS });

  constructor(private readonly tell: (message: object) => void) {
    this.loopDelay.enable();
  }

  /** Carry out a command of the driver, and return the answer to it. */
  async obey(command: string, given: object): Promise<unknown> {
    switch (command) {
      case "open":
        return this.open(given as { clients: PersonOptions[]; oneHistory?: boolean });
      case "cut":
        return this.cut(given as { names: string[]; only: "all" | "sockets" });
      case "signal":
        return this.some((given as { names?: string[] }).names, (one) =>
          one.tell((given as { signal: PageSignal }).signal),
        );
      case "acknowledged":
        return this.acknowledged((given as { changes: Acknowledged[] }).changes);
      case "fault":
        return this.lags.fault(given as Fault);
      case "status":
        return this.status();
      case "snapshot":
        return this.snapshot((given as { names?: string[] }).names);
      case "compare":
        return compare(
          [...this.people.values()],
          Object.fromEntries(this.newest),
          (given as { timeoutMs: number }).timeoutMs,
        );
      case "stats":
        return this.stats();
      case "tamper":
        return this.tamper(given as { names: string[]; find: string; replace: string });
      case "inject":
        return this.inject(given as { names: string[]; frame: object });
      default:
        throw new Error(`there is no command ${command}`);
    }
  }

  private open({ clients, oneHistory = true }: { clients: PersonOptions[]; oneHistory?: boolean }): void {
    this.oneHistory = oneHistory;
    for (const options of clients) {
      const histories = this.oneHistory ? (calendar: string) => this.history(calendar) : null;
      this.people.set(options.name, new Person(options, this.listener(), this.lags, histories));
    }
  }

  private history(calendar: string): History {
    const history = this.histories.get(calendar) ?? new Map();
    this.histories.set(calendar, history);
    return history;
  }

  private some(names: readonly string[] | undefined, act: (person: Person) => void): void {
    for (const name of names ?? [...this.people.keys()]) {
      const person = this.people.get(name);
      if (person === undefined) throw new Error(`there is no client ${name}`);
      act(person);
    }
  }

  private cut({ names, only }: { names: string[]; only: "all" | "sockets" }): void {
    this.some(names, (person) => person.cut(only));
  }

  private tamper({ names, find, replace }: { names: string[]; find: string; replace: string }): void {
    this.some(names, (person) => person.tamper((text) => text.replace(new RegExp(find), replace)));
  }

  private inject({ names, frame }: { names: string[]; frame: object }): void {
    this.some(names, (person) => person.inject(frame));
  }

  private acknowledged(changes: readonly Acknowledged[]): void {
    for (const { calendar, state, at } of changes) {
      if (!isState(state)) throw new Error(`${state} is no state`);
      const revision = revisionOf(state);
      this.newest.set(calendar, Math.max(revision, this.newest.get(calendar) ?? 0));
      const known = this.history(calendar).get(revision);
      if (this.oneHistory && known !== undefined && known !== state) {
        this.violation("6: one history", "", calendar, `acknowledged ${state}, seen ${known}`, []);
      }
      this.history(calendar).set(revision, state);
      for (const person of this.people.values()) person.acknowledged(calendar, revision, at);
    }
  }

  private listener(): PersonListener {
    return {
      violation: (rule, person, calendar, detail) =>
        this.violation(rule, person.options.name, calendar, detail, person.frames),
      complaint: (person, detail) => {
        count(this.complaints, detail);
        this.tell({ event: "complaint", client: person.options.name, detail });
      },
      feedAsked: (person, calendar) => this.feeds.push({ at: clock(), client: person.options.name, calendar }),
      left: () => {},
      back: (person, awayMs) => {
        const backAt = clock();
        this.returns.push({ client: person.options.name, leftAt: backAt - awayMs, backAt });
      },
      received: (type, reason, over) => {
        count(this.frames, `${type} over ${over}`);
        if (type === "reset") count(this.resets, reason);
      },
      applied: () => {
        this.applied += 1;
      },
    };
  }

  private violation(rule: string, client: string, calendar: string, detail: string, frames: readonly object[]): void {
    this.violations += 1;
    this.tell({ event: "violation", rule, client, calendar, detail, at: clock(), frames });
  }

  /** Return how many clients are live, and how many have a whole picture. */
  private status(): object {
    const people = [...this.people.values()];
    const whole = (person: Person) =>
      person.isLive && person.options.calendars.every((id) => person.state(id)?.cursor && !person.client.isLoading(id));
    return {
      clients: people.length,
      live: people.filter((person) => person.isLive).length,
      whole: people.filter(whole).length,
      over: {
        socket: people.filter(({ over }) => over === "socket").length,
        requests: people.filter(({ over }) => over === "requests").length,
      },
    };
  }

  private snapshot(names?: string[]): object {
    const clients: Record<string, object> = {};
    this.some(names, (person) => {
      const calendars = person.options.calendars.map((calendar) => {
        const state = person.state(calendar);
        const items = person
          .shown(calendar)
          .map((item) => [item.id, { state: item.state, title: "title" in item ? item.title : null }]);
        const { cursor = null, access = null, generation = 0, gone = null } = state ?? {};
        const loading = person.client.isLoading(calendar);
        return [
          calendar,
          {
            cursor,
            access,
            generation,
            gone,
            loading,
            awaits: person.awaits(calendar),
            items: Object.fromEntries(items),
          },
        ];
      });
      clients[person.options.name] = {
        status: person.client.status(),
        over: person.over,
        calendars: Object.fromEntries(calendars),
      };
    });
    return clients;
  }

  private stats(): object {
    return {
      at: clock(),
      violations: this.violations,
      checks: [...this.people.values()].reduce((sum, person) => sum + person.checks, 0),
      applied: this.applied,
      frames: Object.fromEntries(this.frames),
      resets: Object.fromEntries(this.resets),
      complaints: Object.fromEntries(this.complaints),
      returns: this.returns,
      feeds: this.feeds,
      lags: this.lags.report(),
      // Clients are late by this much through no fault of their own.
      loopDelay: { p99: this.loopDelay.percentile(99) / 1e6, worst: this.loopDelay.max / 1e6 },
      memoryBytes: process.memoryUsage.rss(),
    };
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
