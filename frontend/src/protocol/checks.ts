/** Checks unknown JSON, field by field. */

export type Check = (value: unknown) => boolean;
export type Guard<T> = (value: unknown) => value is T;
export type JsonObject = Readonly<Record<string, unknown>>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isText = (value: unknown): value is string => typeof value === "string";
export const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
export const isUuid = (value: unknown): value is string => typeof value === "string" && UUID.test(value);

export function orNull<T>(check: Guard<T>): Guard<T | null>;
export function orNull(check: Check): Check;
export function orNull(check: Check): Check {
  return (value) => value === null || check(value);
}

export function listOf<T>(check: Guard<T>): Guard<readonly T[]>;
export function listOf(check: Check): Check;
export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

export const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && words.includes(value);

/** Tell whether a value is a JSON object (no array, no null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Return the name of the first field that is missing or wrong, or null. Other fields are accepted, because a newer
 * server may add some.
 */
export function wrongField(value: JsonObject, checks: Readonly<Record<string, Check>>): string | null {
  for (const name in checks) {
    if (!checks[name]?.(value[name])) return name;
  }
  return null;
}

/** What was read, or why it could not be read. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string };

/** Parse JSON text without throwing. */
export function parseJson(text: string): Parsed<unknown> {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    return { ok: false, detail: "not JSON" };
  }
}
