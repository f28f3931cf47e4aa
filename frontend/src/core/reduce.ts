/** Reduces one calendar: (state, input, random) -> (state, effects). */
import { changesReceived, gapFired, tidy } from "./changes";
import { feedAnswered, feedFailed, retryFired } from "./feeds";
import { lose, resetReceived, startAnew } from "./generation";
import { ASK_AGAIN_MS, type CalendarState, type Effect, type GoneReason, type Input, type TimerName } from "./model";
import {
  deleteAnswered,
  mutate,
  mutationAnswered,
  mutationFired,
  mutationLost,
  mutationRefused,
  reviewOverlays,
} from "./overlay";
import { RULES, type Rules } from "./rules";
import { hide, show } from "./screens";
import { closed, errorReceived, headReceived, opened, resubscribeFired, subscribedReceived } from "./subscribing";
import { Turn } from "./turn";

export interface Step {
  readonly state: CalendarState;
  readonly effects: readonly Effect[];
}

/** `random` is in [0, 1). */
export type Reduce = (state: CalendarState, input: Input, random: number) => Step;

/**
 * Return a reducer that follows the given rules. Tests leave a rule out to show that it is needed; products use
 * `reduce`.
 */
export function reduceWith(rules: Rules): Reduce {
  return (state, input, random) => {
    const turn = new Turn(state, rules, random);
    take(turn, input);
    reviewOverlays(turn);
    tidy(turn);
    return { state: turn.state, effects: turn.effects };
  };
}

export const reduce: Reduce = reduceWith(RULES);

function take(turn: Turn, input: Input): void {
  switch (input.type) {
    case "show":
      return show(turn, input.viewer, input.range, input.again ?? false);
    case "hide":
      return hide(turn, input.viewer);
    case "opened":
      return opened(turn);
    case "closed":
      return closed(turn);
    case "subscribed":
      return subscribedReceived(turn, input.frame);
    case "changes":
      return changesReceived(turn, input.frame);
    case "head":
      return headReceived(turn, input.state);
    case "reset":
      return resetReceived(turn, input.frame.reason, input.frame.spreadMs);
    case "error":
      return errorReceived(turn, input.frame);
    case "withdrawn":
      return lose(turn, "withdrawn");
    case "granted":
      return granted(turn);
    case "feed":
      return feedAnswered(turn, input.ask, input.answer);
    case "feedFailed": {
      const { ask, failure } = input;
      if (feedFailed(turn, ask, failure) && failure.kind === "gone") refused(turn, failure.reason);
      return;
    }
    case "mutate":
      return mutate(turn, input.key, input.id, input.edit, input.state);
    case "mutationAnswered":
      return mutationAnswered(turn, input.key, input.state);
    case "mutationRefused":
      return mutationRefused(turn, input.key);
    case "mutationLost":
      return mutationLost(turn, input.key);
    case "deleteAnswered":
      return deleteAnswered(turn, input.id, input.state);
    case "timer":
      return timerFired(turn, input.name);
    default:
      return input satisfies never;
  }
}

// The answer may describe a moment that has passed. If the rights were given back since then, the server has said so
// already, and does not say so again. So everything leaves the screen, and the client asks over the connection, if
// there is one.
function refused(turn: Turn, reason: GoneReason): void {
  if (turn.state.connected) resetReceived(turn, "rights", ASK_AGAIN_MS);
  else lose(turn, reason);
}

// Every socket begins by telling the client about all calendars. Only one that was lost is news here.
function granted(turn: Turn): void {
  if (turn.state.gone === null) return;
  turn.set({ gone: null });
  turn.subscribe();
}

function timerFired(turn: Turn, name: TimerName): void {
  if (name === "gap") gapFired(turn);
  else if (name === "reset") startAnew(turn);
  else if (name === "resubscribe") resubscribeFired(turn);
  else if (name.startsWith("mutation:")) mutationFired(turn, name.slice("mutation:".length));
  else retryFired(turn, name.slice("retry:".length));
}
