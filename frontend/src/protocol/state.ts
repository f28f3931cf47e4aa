/** Defines state tokens: a position in one calendar's log that also proves which history it belongs to. */

/** `"<revision>.<nonce>"`, compared as text: equal text is the same point of the same history. */
export type State = string & { readonly __state: unique symbol };

// 15 digits stay below 2**53, JavaScript's largest exact integer.
const SHAPE = /^(0|[1-9][0-9]{0,14})\.[0-9a-f]{16}$/;
const ACCESS = /^(full|shared|public|freebusy)\.[0-9]{1,18}$/;

/** Tell whether a value is a state token. */
export function isState(value: unknown): value is State {
  return typeof value === "string" && SHAPE.test(value);
}

/** Tell whether a value is an access token, such as `"full.7"`. */
export function isAccess(value: unknown): value is string {
  return typeof value === "string" && ACCESS.test(value);
}

/** Return a state's revision: the calendar's counter, which rises by one with each transaction. */
export function revisionOf(state: State): number {
  return Number(state.slice(0, state.indexOf(".")));
}
