import { badRequest } from './failure.ts';
import { type Fault, parseFault } from './faults.ts';

/**
 * What the last user message asks of the emulator itself, in double brackets: `[[words: 500]]`, `[[fault: cut 5]]`.
 * Double brackets around anything else are plain text. A directive that cannot be read is refused, so that a misspelt
 * test does not pass by chance.
 */
export interface Directives {
  readonly faults: readonly Fault[];
  readonly size: { readonly unit: 'words' | 'bytes'; readonly amount: number } | null;
  /** Cached input tokens; `prefix`: everything before the last user message. */
  readonly cached: number | 'prefix' | null;
  /** Input tokens that are written to the cache. */
  readonly cacheWrite: number;
  readonly reasoningTokens: number;
  /** How many times the named tools are called before the answer. */
  readonly rounds: number;
  /** Values that enums of the form of the answer take. */
  readonly chosen: readonly string[];
}

const MAX_WORDS = 1_000_000;
const MIN_WORDS = 3;
const MAX_BYTES: number = 16 * 1024 * 1024;
/** The mark at the head of every answer fits in it, whatever the cloud is called. */
const MIN_BYTES = 64;
const MAX_REASONING_TOKENS = 100_000;
const MAX_ROUNDS = 1_000;

const DIRECTIVE =
  /\[\[ *(fault|latency|first-token|words|bytes|cached|cache-write|reasoning|rounds|choose) *(?:: *([^\]\n]{0,80}?) *)?\]\]/g;

const unreadable = (directive: string): Error =>
  badRequest(`The emulator cannot read the directive ${directive}.`, null, 'invalid_emulator_directive');

const amountOf = (directive: string, argument: string, least: number, most: number): number => {
  const amount = /^\d{1,9}$/.test(argument) ? Number(argument) : Number.NaN;
  if (!(amount >= least && amount <= most)) throw unreadable(directive);
  return amount;
};

/** `cut 5 on azure` strikes at that cloud only; null elsewhere. */
const faultOf = (directive: string, argument: string, cloud: string): Fault | null => {
  const [, words = argument, where] = /^(.*?) +on +([a-z0-9-]+)$/.exec(argument) ?? [];
  const fault = parseFault(words);
  if (fault === null) throw unreadable(directive);
  return where === undefined || where === cloud ? fault : null;
};

export const NO_DIRECTIVES: Directives = {
  faults: [],
  size: null,
  cached: null,
  cacheWrite: 0,
  reasoningTokens: 0,
  rounds: 1,
  chosen: [],
};

const hasDirectives = (text: string): boolean => text.includes('[[');

/** The text without any directive, as it is matched, echoed and noted. */
export const withoutDirectives = (text: string): string =>
  hasDirectives(text) ? text.replace(DIRECTIVE, '').trim() : text;

export function readDirectives(text: string, cloud: string): Directives {
  if (!hasDirectives(text)) return NO_DIRECTIVES;
  const faults: Fault[] = [];
  const chosen: string[] = [];
  let { size, cached, cacheWrite, reasoningTokens, rounds } = NO_DIRECTIVES;
  for (const [directive, name, argument = ''] of text.matchAll(DIRECTIVE)) {
    switch (name) {
      case 'fault':
      case 'latency':
      case 'first-token': {
        const fault = faultOf(directive, name === 'fault' ? argument : `${name} ${argument}`, cloud);
        if (fault !== null) faults.push(fault);
        break;
      }
      case 'words':
        size = { unit: name, amount: amountOf(directive, argument, MIN_WORDS, MAX_WORDS) };
        break;
      case 'bytes':
        size = { unit: name, amount: amountOf(directive, argument, MIN_BYTES, MAX_BYTES) };
        break;
      case 'cache-write':
        cacheWrite = amountOf(directive, argument, 0, 999_999_999);
        break;
      case 'cached':
        cached = argument === '' ? 'prefix' : amountOf(directive, argument, 0, 999_999_999);
        break;
      case 'reasoning':
        reasoningTokens = amountOf(directive, argument, 0, MAX_REASONING_TOKENS);
        break;
      case 'choose':
        if (argument === '') throw unreadable(directive);
        chosen.push(argument);
        break;
      default:
        rounds = amountOf(directive, argument, 1, MAX_ROUNDS);
    }
  }
  return { faults, size, cached, cacheWrite, reasoningTokens, rounds, chosen };
}
