/** Subscribes to one calendar, and takes the answers, heads and errors that follow (C4, C6). */
import type { ErrorFrame, SubscribedFrame } from "../protocol/frames";
import type { State } from "../protocol/state";
import { askMissing, dropStillAhead } from "./feeds";
import { dropForeignPicture, lose, resetReceived, startAnew } from "./generation";
import { endAnswered } from "./overlay";
import { subscribeId } from "./rules";
import type { Turn } from "./turn";

/**
 * Handle the opening of a socket: subscribe, from the cursor if there is one. A reset that was waiting goes ahead,
 * because reconnecting was spread already.
 */
export function opened(turn: Turn): void {
  turn.set({ ...turn.rules.cut(turn.state), connected: true });
  if (turn.state.resetting) {
    turn.emit({ type: "stopTimer", name: "reset" });
    startAnew(turn);
  } else turn.subscribe();
}

/** Handle the end of a socket: forget what it had sent only in part. */
export function closed(turn: Turn): void {
  if (turn.state.gapTimer) turn.emit({ type: "stopTimer", name: "gap" });
  turn.emit({ type: "stopTimer", name: "resubscribe" });
  turn.set({ ...turn.rules.cut(turn.state), connected: false });
}

/** Take `subscribed`, the end of a replay. */
export function subscribedReceived(turn: Turn, frame: SubscribedFrame): void {
  const { state, rules } = turn;
  if (!state.pending || state.resetting || !rules.isAnswered(state, frame.id)) return;
  turn.set({ pending: false });
  turn.emit({ type: "stopTimer", name: "resubscribe" });
  if (state.access !== null && state.access !== frame.access) return resetReceived(turn, "rights", 0);
  if (rules.setsCursor(state)) turn.set({ cursor: frame.state, access: frame.access, chain: new Set([frame.state]) });
  dropForeignPicture(turn);
  dropStillAhead(turn);
  // If the state is higher, something was missed. If it is lower, or has the cursor's revision and another nonce, it
  // belongs to another history, which the next subscribe will verify.
  if (frame.state === turn.state.cursor) {
    turn.set({ errors: 0 });
    endAnswered(turn);
  } else subscribeAgain(turn);
  askMissing(turn);
}

// Ask at once the first time, and later with backoff: a replay that this client cannot read would otherwise be asked
// for in a tight loop.
function subscribeAgain(turn: Turn): void {
  const { errors } = turn.state;
  turn.set({ errors: errors + 1 });
  if (errors === 0) turn.subscribe();
  else turn.startTimer("resubscribe", turn.backoffMs(errors));
}

/** Take a heartbeat's head. It never sets the cursor (C6). */
export function headReceived(turn: Turn, head: State): void {
  if (!turn.state.resetting && turn.rules.headDiffers(turn.state, head)) turn.subscribe();
}

/** Take the refusal of a subscribe: drop the calendar, or try again later. */
export function errorReceived(turn: Turn, frame: ErrorFrame): void {
  const { pending, errors } = turn.state;
  if (!pending || frame.id !== subscribeId(turn.state)) return;
  turn.set({ pending: false });
  if (frame.code === "forbidden" || frame.code === "not_found") return lose(turn, frame.code);
  turn.set({ errors: errors + 1 });
  turn.startTimer("resubscribe", turn.backoffMs(errors + 1));
}

/** Subscribe again after the wait that follows a refused subscribe, or that an unanswered one had for its answer. */
export function resubscribeFired(turn: Turn): void {
  if (!turn.state.pending || turn.rules.asksUnanswered()) turn.subscribe();
}
