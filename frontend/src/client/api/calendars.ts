/** Keeps the list of the user's calendars, and puts it in order. */
import type { CalendarInfo } from "../../protocol/frames";
import { isCalendarInfo } from "../../protocol/guards";
import type { Call, Result } from "./http";

export class CalendarList {
  /** The order that was asked for. It is shown until frames confirm it. */
  wanted: readonly string[] | null = null;
  /**
   * The calendars that frames have described since an order was sent. The frames may be newer than the order's answer.
   */
  readonly toldSince = new Set<string>();
  private readonly known = new Map<string, CalendarInfo>();

  constructor(private readonly call: Call) {}

  all(): readonly CalendarInfo[] {
    const { wanted } = this;
    const place = (info: CalendarInfo) => {
      const index = wanted?.indexOf(info.id) ?? -1;
      return index < 0 ? (wanted?.length ?? 0) + (info.position ?? 0) : index;
    };
    return [...this.known.values()].sort((one, other) => place(one) - place(other));
  }

  get(calendar: string): CalendarInfo | undefined {
    return this.known.get(calendar);
  }

  /** Store a calendar. Returns whether anything but its state is new; the state changes with every push. */
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
    if (this.take(json)) return { ok: true, value: this.all() };
    return { ok: false, error: { status, code: "unreadable", detail: "The calendar list could not be read." } };
  }

  /** Replace the list with one that the server gave. Returns false, and changes nothing, if it cannot be read. */
  take(json: unknown): boolean {
    if (!Array.isArray(json) || !json.every(isCalendarInfo)) return false;
    this.known.clear();
    for (const info of json) this.set(info);
    return true;
  }
}

function lasting(info: CalendarInfo): string {
  return JSON.stringify({ ...info, state: null });
}
