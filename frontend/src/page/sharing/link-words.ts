/** Turns a public link into the texts of its form and back, and writes the code that embeds it. */
import { Temporal } from "temporal-polyfill";
import type { LinkFields } from "../../fullcalendar";

export const LINK_FIELDS = ["name", "shows", "expiresAt", "frameOrigins"] as const;
export type LinkTexts = Readonly<Record<(typeof LINK_FIELDS)[number], string>>;

/** The time zone in which the days of links begin and end. */
export type Zone = string;

/** Return a link as the texts of its form: the last day on which it is valid, and the sites, one on each line. */
export function textsOf(link: LinkFields, zone: Zone): LinkTexts {
  return {
    name: link.name,
    shows: link.shows,
    expiresAt: link.expiresAt === null ? "" : lastDay(link.expiresAt, zone),
    frameOrigins: link.frameOrigins.join("\n"),
  };
}

/**
 * Return the fields whose text has changed. Only these are sent, so that another owner's changes to the others stay.
 */
export function changedFields(before: LinkTexts, now: LinkTexts, zone: Zone): Partial<LinkFields> {
  const values: Readonly<Record<keyof LinkTexts, unknown>> = {
    ...now,
    expiresAt: endOfDay(now.expiresAt, zone),
    frameOrigins: now.frameOrigins.split(/[\s,]+/).filter(Boolean),
  };
  return Object.fromEntries(
    LINK_FIELDS.filter((name) => now[name] !== before[name]).map((name) => [name, values[name]]),
  );
}

/** Return the texts of a form whose link has changed: what was typed stays, the rest is new. */
export function followed(typed: LinkTexts, before: LinkTexts, now: LinkTexts): LinkTexts {
  const kept = LINK_FIELDS.filter((name) => typed[name] !== before[name]);
  return { ...now, ...Object.fromEntries(kept.map((name) => [name, typed[name]])) };
}

/** Return when a link ends, in words: its last day, or a day and a time. */
export function endText(expiresAt: string, locale: string, zone: Zone): string {
  const end = Temporal.Instant.from(expiresAt).toZonedDateTimeISO(zone);
  const isWhole = end.equals(end.startOfDay());
  const shown = isWhole ? end.subtract({ days: 1 }) : end;
  return new Intl.DateTimeFormat(locale, {
    dateStyle: "medium",
    ...(isWhole ? {} : { timeStyle: "short" }),
    timeZone: zone,
  }).format(new Date(shown.epochMilliseconds));
}

/** Return the HTML that shows a link's widget on a page. */
export function embedCode(url: string, title: string): string {
  const attributes = {
    src: url,
    title,
    width: "900",
    height: "600",
    style: "max-width: 100%; border: 0",
    loading: "lazy",
    sandbox: "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox",
  };
  const written = Object.entries(attributes).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `<iframe ${written.join(" ")}></iframe>`;
}

function lastDay(expiresAt: string, zone: Zone): string {
  const last = Temporal.Instant.from(expiresAt).subtract({ milliseconds: 1 });
  return last.toZonedDateTimeISO(zone).toPlainDate().toString();
}

/** Return the instant at which a day ends. Text that is not a day is sent as it is, for the server to refuse. */
function endOfDay(day: string, zone: Zone): string | null {
  if (day === "") return null;
  try {
    return Temporal.PlainDate.from(day).add({ days: 1 }).toZonedDateTime(zone).toInstant().toString();
  } catch {
    return day;
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
