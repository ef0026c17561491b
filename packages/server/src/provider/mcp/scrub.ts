/** What a server says may hold what it was sent. No credential of ours comes back through it (L9). */
import type { Json, JsonObject } from '../../log/events.ts';

export interface Scrub {
  text(text: string): string;
  json<T extends Json>(value: T): T;
}

/** Shorter ones are no secrets, and would tear up words. */
const LEAST_CHARS = 6;
const HIDDEN = '[redacted]';

/** @param secrets values, and what is sent of them (`Bearer ...` too: its second word counts by itself) */
export function scrubOf(secrets: readonly string[]): Scrub {
  const known = [...new Set(secrets.flatMap(formsOf))]
    .filter(secret => secret.length >= LEAST_CHARS)
    .toSorted((a, b) => b.length - a.length);
  const text = (given: string): string => known.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), given);
  const json = (value: Json): Json => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return (value as readonly Json[]).map(json);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value as JsonObject).map(([key, one]) => [text(key), json(one)]));
  };
  return { text, json: <T extends Json>(value: T): T => (known.length === 0 ? value : (json(value) as T)) };
}

/** As it is, as its words, and as encodings that servers like to echo. */
function formsOf(secret: string): readonly string[] {
  const words = secret.split(/\s+/);
  return [secret, ...words].flatMap(word => [
    word,
    encodeURIComponent(word),
    Buffer.from(word).toString('base64').replace(/=+$/, ''),
    JSON.stringify(word).slice(1, -1),
  ]);
}
