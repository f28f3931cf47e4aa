/** Defines the client's events, and emits them to the page's listeners. */

import type { Status, Way } from "../../core/connection";
import type { GoneReason } from "../../core/model";
import type { Actor, CalendarInfo } from "../../protocol/frames";
import type { Item, ItemKey } from "../../protocol/item";
import type { State } from "../../protocol/state";
import type { ApiError } from "../api/http";

export interface ChangedEvent {
  readonly calendar: string;
  /** The calendar's new state, which is also that of the changed items, and which an undo must name. */
  readonly state: State;
  /** The items of the change set as they were, without those that were not loaded. */
  readonly before: readonly Item[];
  /** The items that the change set wrote, as they are now. */
  readonly after: readonly Item[];
  readonly upserted: readonly string[];
  readonly destroyed: readonly string[];
  readonly actor: Actor | null;
  readonly mutationId: string | null;
  /** Whether this page or this user made the change. */
  readonly own: boolean;
}

export interface HeldItemEvent {
  readonly key: ItemKey;
  readonly change: "changed" | "deleted";
  /** What the screen still shows. */
  readonly before: Item;
  readonly after: Item | null;
  readonly actor: Actor | null;
  readonly mutationId: string | null;
  readonly own: boolean;
}

export interface LiveEvents {
  readonly status: { readonly status: Status; readonly way: Way };
  readonly loading: { readonly loading: boolean };
  readonly changed: ChangedEvent;
  readonly heldItemChanged: HeldItemEvent;
  readonly calendarGone: { readonly calendar: string; readonly reason: GoneReason };
  readonly calendarsChanged: { readonly calendars: readonly CalendarInfo[] };
  /** A write had no answer. It is repeated, and shown as if it were done. */
  readonly writeLost: { readonly key: ItemKey };
  /** A write that had no answer has one now. */
  readonly writeFound: Readonly<Record<string, never>>;
  readonly feedRefused: { readonly calendar: string; readonly error: ApiError };
  /**
   * Items arrived that could not be read, so they are on no screen. The page is told of each item once. Items without
   * an id are not in `ids`.
   */
  readonly unreadable: { readonly calendar: string; readonly ids: readonly string[] };
  /** Something arrived that this client could not read. The browser's console shows it, too. */
  readonly fault: { readonly detail: string };
}

type Listener<T> = (event: T) => void;

export class Emitter {
  private readonly listeners = new Map<keyof LiveEvents, Set<Listener<never>>>();

  /** Listen to an event. Returns a function that stops listening. */
  on<Name extends keyof LiveEvents>(name: Name, listener: Listener<LiveEvents[Name]>): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  emit<Name extends keyof LiveEvents>(name: Name, event: LiveEvents[Name]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        (listener as Listener<LiveEvents[Name]>)(event);
      } catch (error) {
        // A listener's error must not stop the store: it surfaces as an uncaught error of its own.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
