/** Parses the server's frames and calendars, or says what is wrong with them. */
import {
  type Check,
  isFlag,
  isObject,
  isText,
  isUuid,
  isWhole,
  listOf,
  oneOf,
  orNull,
  type Parsed,
  parseJson,
  wrongField,
} from "./checks";
import type { CalendarInfo, ChangesFrame, ServerFrame } from "./frames";
import { readItems, type Unreadable } from "./item";
import { isAccess, isState } from "./state";

const isActor: Check = (value) => isObject(value) && wrongField(value, { id: isText, name: isText }) === null;
const isStates: Check = (value) =>
  isObject(value) && Object.entries(value).every(([id, state]) => isUuid(id) && isState(state));

/** Tell whether a value is an offer of ownership, or none. An older server leaves the field out. */
export const isOffer: Check = (value) =>
  value === undefined ||
  value === null ||
  (isObject(value) && wrongField(value, { by: isActor, handsOver: isFlag }) === null);

const CALENDAR: Readonly<Record<string, Check>> = {
  id: isUuid,
  name: isText,
  color: isText,
  timeZone: isText,
  role: isText,
  rights: isText,
  people: listOf(isActor),
  position: (value) => value === undefined || isWhole(value),
  sharing: (value) => value === undefined || value === null || isWhole(value),
  offer: isOffer,
};

/** Tell whether a value is a calendar of the calendar list. */
export function isCalendarInfo(value: unknown): value is CalendarInfo {
  return isObject(value) && wrongField(value, CALENDAR) === null;
}

const FRAMES: Readonly<Record<ServerFrame["type"], Readonly<Record<string, Check>>>> = {
  hello: { protocol: isWhole, heartbeatSeconds: (value) => typeof value === "number" && value > 0 },
  subscribed: { id: isWhole, calendar: isUuid, state: isState, access: isAccess },
  changes: {
    calendar: isUuid,
    oldState: isState,
    newState: isState,
    more: isFlag,
    upserted: Array.isArray, // `readable` checks the values in these two
    destroyed: Array.isArray,
    actor: orNull(isActor),
    mutationId: orNull(isText),
    until: (value) => value === undefined || isState(value),
  },
  head: { states: isStates },
  reset: { calendar: isUuid, reason: oneOf("pruned", "diverged", "bulk", "rights"), spreadMs: isWhole },
  calendar: { calendar: isCalendarInfo },
  rights: { calendar: isUuid, rights: (value) => value === null },
  reconnect: { spreadMs: isWhole },
  pong: {},
  error: { id: orNull(isWhole), code: isText },
};

/**
 * Return the frame in a socket's text. A type that this client does not know is an error too, which the caller may
 * ignore.
 */
export function parseServerFrame(text: string): Parsed<ServerFrame> {
  const json = parseJson(text);
  return json.ok ? readServerFrame(json.value) : json;
}

/** Return the frame in parsed JSON. */
export function readServerFrame(value: unknown): Parsed<ServerFrame> {
  if (!isObject(value)) return { ok: false, detail: "not a JSON object" };
  const type = value.type;
  if (typeof type !== "string" || !Object.hasOwn(FRAMES, type)) {
    return { ok: false, detail: `type: unknown frame type ${JSON.stringify(type)}` };
  }
  const wrong = wrongField(value, FRAMES[type as ServerFrame["type"]]);
  if (wrong !== null) return { ok: false, detail: `${wrong}: missing or wrong in '${type}'` };
  const frame = value as unknown as ServerFrame;
  return { ok: true, value: frame.type === "changes" ? readable(frame) : frame };
}

/**
 * C3: an item that cannot be read must cost neither the other items nor the chain. It counts as destroyed; without an
 * id, it is left out.
 */
function readable(frame: ChangesFrame): ChangesFrame {
  const { items, unreadable } = readItems(frame.upserted, frame.calendar);
  const ids = frame.destroyed.filter(isUuid);
  const noIds = frame.destroyed.length - ids.length;
  if (unreadable.length === 0 && noIds === 0) return { ...frame, upserted: items };
  return {
    ...frame,
    upserted: items,
    destroyed: [...ids, ...unreadable.flatMap(({ id }) => id ?? [])],
    unreadable: [...unreadable, ...Array<Unreadable>(noIds).fill({ id: null, detail: "destroyed: not an id" })],
  };
}
