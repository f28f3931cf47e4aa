/** Measures how late clients are: the time from each acknowledged change until a client has it. */

export interface Lag {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** How many changes took longer than is promised. */
  readonly beyond: number;
  /** Which client was the latest, and in which calendar. */
  readonly worstWas: string;
  readonly worstAt: number;
}

const AT_MOST_MS = 120_000;
/** What invariant 5 of docs/protocol.md promises, even if no broadcast arrives. */
const PROMISED_MS = 1_500;

class Counts {
  private readonly byMs = new Uint32Array(AT_MOST_MS + 1);
  private count = 0;
  private worst = 0;
  private worstWas = "";
  private worstAt = 0;

  add(ms: number, at: number, was: string): void {
    const whole = Math.min(Math.max(Math.ceil(ms), 0), AT_MOST_MS);
    this.byMs[whole] = (this.byMs[whole] ?? 0) + 1;
    this.count += 1;
    if (this.count === 1 || ms > this.worst) {
      this.worst = Math.max(ms, 0);
      this.worstWas = was;
      this.worstAt = at;
    }
  }

  report(): Lag {
    const { count, worst, worstWas, worstAt } = this;
    const beyond = this.byMs.subarray(PROMISED_MS + 1).reduce((sum, one) => sum + one, 0);
    return { count, p50: this.below(0.5), p99: this.below(0.99), worst: Math.round(worst), beyond, worstWas, worstAt };
  }

  private below(share: number): number {
    let left = Math.ceil(this.count * share);
    for (let ms = 0; ms <= AT_MOST_MS; ms += 1) {
      left -= this.byMs[ms] ?? 0;
      if (left <= 0) return ms;
    }
    return AT_MOST_MS;
  }
}

/** A fault that was caused on purpose, and when. `to` is null while it lasts. */
export interface Fault {
  readonly kind: string;
  readonly from: number;
  readonly to: number | null;
}

export class Lags {
  private readonly byKind = new Map<string, Counts>();
  private readonly faults: Fault[] = [];

  fault(fault: Fault): void {
    const known = this.faults.findIndex((one) => one.kind === fault.kind && one.from === fault.from);
    if (known < 0) this.faults.push(fault);
    else this.faults[known] = fault;
  }

  /**
   * Record that a client passed, at `passed`, a change that was acknowledged at `acknowledged`. `kept`: what delayed
   * the client, as far as it knows.
   */
  passed(acknowledged: number, passed: number, kept: "away" | "reset" | null, who: string): void {
    const kind = kept ?? `connected${this.during(acknowledged, passed)}`;
    const counts = this.byKind.get(kind) ?? new Counts();
    this.byKind.set(kind, counts);
    counts.add(passed - acknowledged, acknowledged, who);
  }

  report(): Record<string, Lag> {
    return Object.fromEntries([...this.byKind].sort().map(([kind, counts]) => [kind, counts.report()]));
  }

  private during(from: number, to: number): string {
    const kinds = new Set(
      this.faults.filter((fault) => fault.from <= to && (fault.to ?? to) >= from).map(({ kind }) => kind),
    );
    if (kinds.size > 1) return " while several faults";
    return kinds.size === 0 ? "" : ` while ${[...kinds][0]}`;
  }
}

interface Awaited {
  readonly revision: number;
  readonly at: number;
}

const PASSES_AT_MOST = 1_024;

/** Follows how far one client has come in one calendar. */
export class Progress {
  private passes: Awaited[] = [];
  private awaited: Awaited[] = [];
  private resetAt = Number.NEGATIVE_INFINITY;
  private resetting = false;
  private isGone = false;

  constructor(
    private readonly lags: Lags,
    private readonly who: string,
    /** Returns when the client was last without its connection; infinity while it is without it. */
    private readonly awayAt: () => number,
  ) {}

  reset(at: number): void {
    this.resetAt = at;
    this.resetting = true;
  }

  /** Await nothing more of a calendar that the client may no longer see. */
  gone(at: number): void {
    this.isGone = true;
    this.awaited = [];
    this.reset(at);
  }

  /** Note that the picture is whole again. */
  settled(at: number): void {
    if (this.resetting) this.resetAt = at;
    this.resetting = false;
  }

  /** Note that the cursor has reached a revision. */
  came(revision: number, at: number): void {
    this.isGone = false;
    if (revision <= (this.passes.at(-1)?.revision ?? -1)) return;
    this.passes.push({ revision, at });
    if (this.passes.length > PASSES_AT_MOST) this.passes = this.passes.slice(-PASSES_AT_MOST / 2);
    const passed = this.awaited.filter((one) => one.revision <= revision);
    if (passed.length === 0) return;
    this.awaited = this.awaited.filter((one) => one.revision > revision);
    for (const one of passed) this.pass(one.at, at);
  }

  /** Note that a change was acknowledged to its writer. */
  acknowledged(revision: number, at: number): void {
    if (this.isGone) return;
    const pass = this.passes.find((one) => one.revision >= revision);
    if (pass === undefined) this.awaited.push({ revision, at });
    else this.pass(at, pass.at);
  }

  get awaits(): number {
    return this.awaited.length;
  }

  private pass(acknowledged: number, passed: number): void {
    const kept = this.awayAt() >= acknowledged ? "away" : this.resetAt >= acknowledged ? "reset" : null;
    this.lags.passed(acknowledged, passed, kept, this.who);
  }
}
