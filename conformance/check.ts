/** What a check is, and the ways in which it can end. */
import type { Json } from './json.ts';
import type { Server } from './server.ts';
import type { Socket } from './socket.ts';

export type Verdict = 'pass' | 'fail' | 'skipped' | 'not offered';

export interface Check {
  /** `group.name`: stable, reports are compared by it. */
  readonly id: string;
  /** What is asked of the server, in one sentence. */
  readonly asks: string;
  /** What goes wrong with clients where it does not hold. */
  readonly why: string;
  readonly needs?: readonly Need[];
  /** Says what was seen. Ends otherwise by throwing `Failed`, `Skipped` or `NotOffered`; anything else thrown is a failure too. */
  run(probe: Probe): Promise<string>;
}

/** What a check cannot do without; it is skipped where that is missing. */
export type Need =
  /** A model that obeys the directives of `perdure emulator`. */
  | 'emulator'
  /** A second key, of another owner. */
  | 'second key'
  /** That the server asks for a key. */
  | 'keys'
  /** The model's context window, from the command line. */
  | 'context window'
  /** The time between two heartbeats, from the command line. */
  | 'heartbeat';

/** What checks work with. */
export interface Probe {
  readonly server: Server;
  /** The same server, with the second key. */
  readonly other: Server;
  readonly model: string;
  /** Whether the model is the emulator: then its answers are known to the letter. */
  readonly emulator: boolean;
  readonly contextTokens: number;
  readonly heartbeatMs: number;
  readonly connect: () => Promise<Socket>;
  /** A word that no model has met: what is remembered is told from what is guessed by it. */
  readonly word: () => string;
  /** The body of a create request with this model. */
  readonly ask: (input: Json | readonly Json[] | string, more?: Json) => Json;
}

/** The server breaks what the check asks. */
export class Failed extends Error {
  override readonly name = 'Failed';
}
/** Nothing can be said here, and why. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}
/** The server says that it does not have this. */
export class NotOffered extends Error {
  override readonly name = 'NotOffered';
}

export function must(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Failed(otherwise);
}

/** Compares as JSON, key order aside. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [canonical(actual), canonical(expected)];
  if (a !== b) throw new Failed(`${what} is ${brief(a)}, not ${brief(b)}`);
}

const brief = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}...` : text);

function canonical(value: unknown): string {
  const sorted = (_: string, inner: unknown): unknown =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner;
  return JSON.stringify(value, sorted) ?? 'undefined';
}
