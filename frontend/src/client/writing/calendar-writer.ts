/** Creates, changes and deletes calendars, and saves the order in which the user wants them. */
import { isCalendarInfo } from "../../protocol/guards";
import type { CalendarList } from "../api/calendars";
import type { Call, Result } from "../api/http";
import type { Edges } from "../edges";

/** The fields that an owner may set. */
export interface CalendarFields {
  readonly name?: string;
  /** `#rrggbb` */
  readonly color?: string;
  readonly timeZone?: string;
}

/** Frames confirm an order within a second of its answer. */
const UNTIL_TOLD_MS = 1_000;

export class CalendarWriter {
  private sending: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly call: Call,
    private readonly list: CalendarList,
    private readonly edges: Pick<Edges, "setTimer">,
  ) {}

  /** Create a calendar (`null`), or change one. */
  save(calendar: string | null, fields: CalendarFields): Promise<Result<unknown>> {
    return calendar === null
      ? this.call({ method: "POST", path: "calendars/", body: fields })
      : this.call({ method: "PATCH", path: `calendars/${calendar}/`, body: fields });
  }

  remove(calendar: string): Promise<Result<unknown>> {
    return this.call({ method: "DELETE", path: `calendars/${calendar}/` });
  }

  /**
   * Set the user's order of calendars. It shows at once, and is undone if it is refused; `changed` is called both
   * times.
   */
  async order(ids: readonly string[], changed: () => void): Promise<Result<unknown>> {
    const { list } = this;
    list.wanted = ids;
    changed();
    // Send one at a time: of two requests under way, the server may carry out the earlier one last.
    const sent = this.sending.then(() => this.sendOrder(ids));
    this.sending = sent;
    const result = await sent;
    const end = () => {
      if (list.wanted !== ids) return; // a later order is under way
      list.wanted = null;
      changed();
    };
    // Frames of an earlier order may still be on their way: without the wait, rows would jump back for a moment.
    if (result.ok) this.edges.setTimer(end, UNTIL_TOLD_MS);
    else end();
    return result;
  }

  private async sendOrder(ids: readonly string[]): ReturnType<Call> {
    const { list } = this;
    list.toldSince.clear();
    const result = await this.call({ method: "PUT", path: "calendars/order/", body: { ids } });
    const answered: readonly unknown[] = result.ok && Array.isArray(result.value.json) ? result.value.json : [];
    for (const info of answered) {
      if (isCalendarInfo(info) && list.get(info.id) !== undefined && !list.toldSince.has(info.id)) list.set(info);
    }
    return result;
  }
}
