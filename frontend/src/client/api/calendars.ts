/** The list of calendars one may see: read once, kept current by `calendar` frames. Never decides which are shown. */
import type { CalendarInfo } from "../../protocol/frames";
import { isCalendarInfo } from "../../protocol/guards";
import type { Edges } from "../edges";
import type { Call, Result } from "./http";

/** What an owner may set. */
export interface CalendarFields {
  readonly name?: string;
  /** `#rrggbb` */
  readonly color?: string;
  readonly timeZone?: string;
}

/** Frames tell an order within a second of its answer. */
const UNTIL_TOLD_MS = 1_000;

export class CalendarList {
  private readonly known = new Map<string, CalendarInfo>();
  /** The order asked for: shown until frames tell it. */
  private wanted: readonly string[] | null = null;
  private sending: Promise<unknown> = Promise.resolve();
  /** What was told since an order was sent may be newer than its answer. */
  private readonly toldSince = new Set<string>();

  constructor(
    private readonly call: Call,
    private readonly edges: Pick<Edges, "setTimer">,
  ) {}

  all(): readonly CalendarInfo[] {
    const { wanted } = this;
    const place = (info: CalendarInfo) => {
      const index = wanted?.indexOf(info.id) ?? -1;
      return index < 0 ? (wanted?.length ?? 0) + (info.position ?? 0) : index;
    };
    return [...this.known.values()].sort((one, other) => place(one) - place(other));
  }

  /** Put the calendars into one's own order: seen at once, taken back when it is refused. `changed` is told of both. */
  async order(ids: readonly string[], changed: () => void): Promise<Result<unknown>> {
    this.wanted = ids;
    changed();
    // One at a time: of two requests under way the earlier may be done last.
    const sent = this.sending.then(() => this.sendOrder(ids));
    this.sending = sent;
    const result = await sent;
    const end = () => {
      if (this.wanted !== ids) return; // a later order is under way
      this.wanted = null;
      changed();
    };
    // Frames of an earlier order may still be on their way: without the wait, rows would jump back for a moment.
    if (result.ok) this.edges.setTimer(end, UNTIL_TOLD_MS);
    else end();
    return result;
  }

  private async sendOrder(ids: readonly string[]): ReturnType<Call> {
    this.toldSince.clear();
    const result = await this.call({ method: "PUT", path: "calendars/order/", body: { ids } });
    const answered: readonly unknown[] = result.ok && Array.isArray(result.value.json) ? result.value.json : [];
    for (const info of answered) {
      if (isCalendarInfo(info) && this.known.has(info.id) && !this.toldSince.has(info.id))
        this.known.set(info.id, info);
    }
    return result;
  }

  get(calendar: string): CalendarInfo | undefined {
    return this.known.get(calendar);
  }

  /** Returns whether anything lasting about it is new: its state changes with every push. */
  set(info: CalendarInfo): boolean {
    const known = this.known.get(info.id);
    this.toldSince.add(info.id);
    this.known.set(info.id, info);
    return known === undefined || lasting(known) !== lasting(info);
  }

  remove(calendar: string): boolean {
    return this.known.delete(calendar);
  }

  async load(): Promise<Result<readonly CalendarInfo[]>> {
    const result = await this.call({ method: "GET", path: "calendars/" });
    if (!result.ok) return result;
    const { json, status } = result.value;
    if (!Array.isArray(json) || !json.every(isCalendarInfo)) {
      return { ok: false, error: { status, code: "unreadable", detail: "The calendar list could not be read." } };
    }
    this.known.clear();
    for (const info of json) this.set(info);
    return { ok: true, value: this.all() };
  }
}

function lasting(info: CalendarInfo): string {
  return JSON.stringify({ ...info, state: null });
}
