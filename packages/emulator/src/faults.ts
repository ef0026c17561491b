import { isFields } from './fields.ts';

/**
 * A fault on demand. Counts are deltas already sent when it strikes (0: right after the headers); times are in
 * milliseconds. One grammar of words serves directives, the command line and the control endpoint (`cut 5`).
 */
export type Fault =
  | { readonly kind: 'latency'; readonly ms: number }
  | { readonly kind: 'first-token'; readonly ms: number }
  | { readonly kind: 'slow-headers'; readonly ms: number }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter: RetryAfter | null }
  | { readonly kind: 'cut'; readonly after: number }
  | { readonly kind: 'malformed'; readonly after: number }
  /** `after: null`: nothing is ever answered, headers neither. */
  | { readonly kind: 'hang'; readonly after: number | null }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'error-event'; readonly after: number }
  | { readonly kind: 'oversize'; readonly after: number };

export interface RetryAfter {
  readonly unit: 's' | 'ms';
  readonly amount: number;
}

/** A fault that ends the answer in some wrong way, apart from the ones that only slow it. */
export type Break = Exclude<Fault, { kind: 'latency' | 'first-token' | 'slow-headers' }>;

/** What the faults in force make of one request. */
export interface Behaviour {
  readonly latencyMs: number;
  readonly firstTokenMs: number;
  readonly slowHeadersMs: number;
  readonly break: Break | null;
}

export const MAX_FAULT_MS = 600_000;
export const MAX_FAULT_DELTAS = 1_000_000;
const STATUSES: readonly number[] = [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529];

/** Later faults win over earlier ones of the same sort. */
export function behaviourOf(faults: readonly Fault[]): Behaviour {
  let behaviour: Behaviour = { latencyMs: 0, firstTokenMs: 0, slowHeadersMs: 0, break: null };
  for (const fault of faults) {
    if (fault.kind === 'latency') behaviour = { ...behaviour, latencyMs: fault.ms };
    else if (fault.kind === 'first-token') behaviour = { ...behaviour, firstTokenMs: fault.ms };
    else if (fault.kind === 'slow-headers') behaviour = { ...behaviour, slowHeadersMs: fault.ms };
    else behaviour = { ...behaviour, break: fault };
  }
  return behaviour;
}

const number = (word: string | undefined, most: number): number | null => {
  if (word === undefined || !/^\d{1,9}$/.test(word)) return null;
  const value = Number(word);
  return value <= most ? value : null;
};

const retryAfter = (words: readonly string[]): RetryAfter | null => {
  const [name, amount, ...rest] = words;
  const value = number(amount, MAX_FAULT_MS);
  if (value === null || rest.length > 0) return null;
  return name === 'retry-after'
    ? { unit: 's', amount: value }
    : name === 'retry-after-ms'
      ? { unit: 'ms', amount: value }
      : null;
};

/** Reads `cut 5`, `hang`, `latency 20`, `status 429 retry-after 2`; null if it is none of the grammar. */
export function parseFault(text: string): Fault | null {
  const [kind, ...words] = text.trim().split(/\s+/);
  const first = words[0];
  const only = words.length <= 1;
  switch (kind) {
    case 'latency':
    case 'first-token':
    case 'slow-headers': {
      const ms = number(first, MAX_FAULT_MS);
      return ms === null || !only ? null : { kind, ms };
    }
    case 'status': {
      const status = number(first, 599);
      if (status === null || !STATUSES.includes(status)) return null;
      if (only) return { kind, status, retryAfter: null };
      const after = retryAfter(words.slice(1));
      return after === null ? null : { kind, status, retryAfter: after };
    }
    case 'cut':
    case 'malformed':
    case 'error-event':
    case 'oversize': {
      const after = number(first ?? '0', MAX_FAULT_DELTAS);
      return after === null || !only ? null : { kind, after };
    }
    case 'hang': {
      if (first === undefined) return { kind, after: null };
      const after = number(first, MAX_FAULT_DELTAS);
      return after === null || !only ? null : { kind, after };
    }
    case 'truncate':
      return words.length === 0 ? { kind } : null;
    default:
      return null;
  }
}

/** The words that `parseFault` reads back to the same fault. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'latency':
    case 'first-token':
    case 'slow-headers':
      return `${fault.kind} ${fault.ms}`;
    case 'status': {
      const after = fault.retryAfter;
      const name = after?.unit === 'ms' ? 'retry-after-ms' : 'retry-after';
      return after === null ? `status ${fault.status}` : `status ${fault.status} ${name} ${after.amount}`;
    }
    case 'hang':
      return fault.after === null ? 'hang' : `hang ${fault.after}`;
    case 'truncate':
      return 'truncate';
    default:
      return `${fault.kind} ${fault.after}`;
  }
}

/** Reads a fault given as words or in its JSON form; null if it is neither. */
export function readFault(value: unknown): Fault | null {
  if (typeof value === 'string') return parseFault(value);
  if (!isFields(value) || typeof value['kind'] !== 'string') return null;
  const { kind, ms, after, status } = value;
  const words = [kind];
  for (const amount of [ms, status, after])
    if (amount !== undefined && amount !== null) words.push(JSON.stringify(amount));
  const given = value['retryAfter'];
  if (isFields(given))
    words.push(given['unit'] === 'ms' ? 'retry-after-ms' : 'retry-after', JSON.stringify(given['amount'] ?? null));
  const fault = parseFault(words.join(' '));
  const names = ['kind', 'ms', 'after', 'status', 'retryAfter'];
  return Object.keys(value).every(key => names.includes(key)) ? fault : null;
}
