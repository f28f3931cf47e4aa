/** Tracks which changes the user can still undo. */
import { type ChangedEvent, type Done, isMove, planUndo, type State, touches, type Undo } from "../../fullcalendar";

export interface UndoOffer {
  readonly changes: readonly Done[];
  /** The calendar in which the change happened. For a move, it is the one in which the items are now. */
  readonly calendar: string;
  readonly actor: string | null;
  readonly own: boolean;
  /** Whether it may be one half of a move whose other half is still under way. */
  readonly mayBeHalf: boolean;
}

const OFFERS_AT_MOST = 50;
const REMEMBERED_AT_MOST = 2_000;

export class UndoOffers {
  private open: UndoOffer[] = [];
  /**
   * Changes whose undo is not offered. Half of a move into a calendar that the user may not edit shows that the other
   * half is not a deletion.
   */
  private others: Done[] = [];
  private readonly vanished = new Set<string>();
  private readonly made = new Set<State>();
  private readonly seen = new Set<State>();
  private readonly plans = new WeakMap<UndoOffer, Undo>();

  constructor(private readonly rights: { mayEdit(calendar: string): boolean }) {}

  /** Take a change. `replaced`: the offers that it ends, because they are joined into the new one or outdated by it. */
  take(
    change: ChangedEvent,
    isUndo: boolean,
  ): { readonly offer: UndoOffer | null; readonly replaced: readonly UndoOffer[] } {
    const done: Done = change;
    const half = this.open.find(({ changes: [first, second] }) => first && second === undefined && isMove(first, done));
    const overtaken = this.open.filter((one) => one !== half && one.changes.some((other) => touches(other, done)));
    const isMoved = this.others.some((other) => isMove(other, done));
    const offer = isUndo || isMoved ? null : this.offerOf(change, half);
    this.others = this.others.filter((other) => !touches(other, done));
    if (offer === null && !half && !isMoved) this.others = [...this.others, done].slice(-OFFERS_AT_MOST);
    // The user's own older changes stay: once the newest is undone, they can be undone, too.
    const isOver = (one: UndoOffer) => one === half || (overtaken.includes(one) && !(change.own && one.own));
    this.open = this.open.filter((one) => !isOver(one));
    if (offer !== null && this.undoOf(offer) !== null) remember(this.seen, change.state);
    if (offer !== null) this.open = [...this.open, offer].slice(-OFFERS_AT_MOST);
    for (const id of change.destroyed) remember(this.vanished, `${change.calendar} ${id}`);
    return { offer, replaced: half ? [half, ...overtaken] : overtaken };
  }

  private offerOf(change: ChangedEvent, half: UndoOffer | undefined): UndoOffer | null {
    const changes = [...(half?.changes ?? []), change];
    if (changes.length > 2 || !changes.every(({ calendar }) => this.rights.mayEdit(calendar))) return null;
    const known = new Set(change.before.map((item) => item.id));
    const enters = change.after.some((item) => !known.has(item.id));
    return {
      changes,
      calendar: (changes.find(({ after }) => after.length > 0) ?? change).calendar,
      actor: change.actor?.name ?? null,
      own: change.own,
      mayBeHalf: half === undefined && (change.destroyed.length > 0 || enters),
    };
  }

  /** Return how an offer is undone; null if that is not known, for example for half of a move into a calendar. */
  undoOf(offer: UndoOffer): Undo | null {
    const known = this.plans.get(offer);
    if (known !== undefined) return known;
    const undo = planUndo(offer.changes, {
      cameBack: (calendar, id) => this.vanished.has(`${calendar} ${id}`),
      created: (state) => this.made.has(state),
    });
    if (undo !== null) this.plans.set(offer, undo);
    return undo;
  }

  /** Note that this page has created an item. Returns the offer of that change, if it has arrived already. */
  created(state: State): UndoOffer | null {
    remember(this.made, state);
    const offer = this.open.find(({ changes }) => changes.some((one) => one.state === state)) ?? null;
    if (offer !== null) remember(this.seen, state);
    return offer;
  }

  /** Tell whether the undo of a change was offered. */
  knows(state: State): boolean {
    return this.seen.has(state);
  }

  newestOwn(): UndoOffer | null {
    return [...this.open].reverse().find((one) => one.own && this.undoOf(one) !== null) ?? null;
  }

  isOpen(offer: UndoOffer): boolean {
    return this.open.includes(offer);
  }

  remove(offer: UndoOffer): void {
    this.open = this.open.filter((one) => one !== offer);
  }

  /** Forget a calendar that is gone. Returns the offers that went with it. */
  forget(calendar: string): readonly UndoOffer[] {
    const gone = this.open.filter(({ changes }) => changes.some((one) => one.calendar === calendar));
    this.open = this.open.filter((one) => !gone.includes(one));
    return gone;
  }
}

function remember<T>(set: Set<T>, value: T): void {
  set.add(value);
  const [oldest] = set;
  if (set.size > REMEMBERED_AT_MOST && oldest !== undefined) set.delete(oldest);
}
