/** Everything that the server sent during a run, as the checks of group `schema` look at it afterwards. */
import { isJson, type Json, textAt } from './json.ts';
import {
  compactionFaults,
  envelopeFaults,
  eventFaults,
  itemFaults,
  responseFaults,
  socketErrorFaults,
} from './schema.ts';

export type Kind = 'responses' | 'items' | 'events' | 'errors' | 'compactions' | 'leaks';

export class Traffic {
  readonly #faults = new Map<Kind, Set<string>>();
  readonly #counts = new Map<Kind, number>();
  /** How many of a kind were looked at: none proves nothing. */
  count(kind: Kind): number {
    return this.#counts.get(kind) ?? 0;
  }

  faults(kind: Kind): readonly string[] {
    return [...(this.#faults.get(kind) ?? [])];
  }

  body(where: string, status: number, body: unknown): void {
    if (status >= 400) {
      this.#note('errors', `${where} -> ${status}`, envelopeFaults(body));
      return this.#leaks(where, isJson(body) ? body['error'] : body);
    }
    if (!isJson(body)) return;
    switch (body['object']) {
      case 'response':
        return this.#note('responses', where, responseFaults(body));
      case 'response.compaction':
        return this.#note('compactions', where, compactionFaults(body));
      case 'list':
        if (!where.endsWith('items')) return;
        for (const item of Array.isArray(body['data']) ? body['data'] : [])
          this.#note('items', where, itemFaults(item));
        return;
      default:
    }
  }

  /** Over SSE or as a frame of a WebSocket. */
  event(where: string, event: Json): void {
    const isSocketError = event['type'] === 'error' && 'status' in event;
    if (event['type'] === 'error') this.#leaks(where, event['error']);
    this.#note(
      'events',
      `${where} ${String(event['type'])}`,
      isSocketError ? socketErrorFaults(event) : eventFaults(event),
    );
  }

  #leaks(where: string, error: unknown): void {
    const text = textAt(error, 'message') || JSON.stringify(error ?? null);
    const found = LEAKS.filter(([pattern]) => pattern.test(text)).map(([, what]) => `${what}: ${text.slice(0, 200)}`);
    this.#note('leaks', where, found);
  }

  #note(kind: Kind, where: string, faults: readonly string[]): void {
    this.#counts.set(kind, this.count(kind) + 1);
    const all = this.#faults.get(kind) ?? new Set<string>();
    this.#faults.set(kind, all);
    for (const fault of faults) all.add(`${where} ${fault}`);
  }
}

/** What an error must not show of the inside of a server. */
const LEAKS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\n\s+at \S+ ?\(?\S+:\d+/, 'a stack'],
  [/Traceback \(most recent call last\)/, 'a stack'],
  [/\bnode_modules\/|\/site-packages\/|(^|[\s"'(])\/(home|root|usr|var|tmp|app)\/[\w.-]+\//, 'a path'],
  [
    /\b(TypeError|ReferenceError|RangeError|SyntaxError|KeyError|AttributeError|NullPointerException)\b/,
    'an exception',
  ],
  [/\b(ECONNREFUSED|ENOTFOUND|EPIPE|SQLITE_\w+)\b/, 'a system error'],
];
