/** Runs checks one after the other against a server and tells how each came out. */
import { type Check, Failed, type Need, NotOffered, type Probe, Skipped, type Verdict } from './check.ts';
import { outputText } from './json.ts';
import { created, openServer } from './server.ts';
import { connect, type Socket } from './socket.ts';
import { CHECKS } from './suite.ts';
import { schemaChecks } from './checks/schema.ts';
import { Traffic } from './traffic.ts';

export interface RunOptions {
  readonly baseUrl: string;
  readonly key: string;
  /** Of another owner; empty if there is none. */
  readonly otherKey: string;
  readonly model: string;
  /** Groups, or ids of checks; empty for all. */
  readonly only: readonly string[];
  readonly skip: readonly string[];
  /** Null: found out by asking. */
  readonly emulator: boolean | null;
  /** 0 if not known. */
  readonly contextTokens: number;
  readonly heartbeatMs: number;
  /** Of one request, and of one frame. */
  readonly timeoutMs: number;
  readonly onResult?: (result: Result) => void;
}

export interface Result {
  readonly id: string;
  readonly group: string;
  readonly asks: string;
  readonly why: string;
  readonly verdict: Verdict;
  /** What was seen, or why there is nothing to see. */
  readonly seen: string;
  readonly ms: number;
}

export interface Report {
  readonly baseUrl: string;
  readonly model: string;
  readonly emulator: boolean;
  readonly results: readonly Result[];
  readonly counts: { readonly [verdict in Verdict]: number };
  readonly ms: number;
}

/** The server cannot be reached, or not even asked. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

export const groupOf = (id: string): string => id.slice(0, id.indexOf('.'));

export async function run(options: RunOptions): Promise<Report> {
  const began = performance.now();
  const traffic = new Traffic();
  const { baseUrl, key, otherKey, model, timeoutMs } = options;
  const server = openServer(baseUrl, key, traffic, timeoutMs);
  const { emulator, keyed } = await preflight(options);
  const sockets: Socket[] = [];
  let words = 0;
  const seed = Math.random().toString(36).slice(2, 6).replaceAll(/\d/g, 'q');
  const probe: Probe = {
    server,
    other: openServer(baseUrl, otherKey, traffic, timeoutMs),
    model,
    emulator,
    contextTokens: options.contextTokens,
    heartbeatMs: options.heartbeatMs,
    async connect() {
      const socket = await connect(baseUrl, key, traffic, timeoutMs);
      sockets.push(socket);
      return socket;
    },
    word: () => `Zor${seed}${'bdfghklmnp'[words++ % 10] ?? ''}${'aeiou'[words % 5] ?? ''}x`,
    ask: (input, more = {}) => ({ model, input, ...more }),
  };
  const has: { readonly [need in Need]: boolean } = {
    emulator,
    keys: keyed,
    'second key': otherKey !== '',
    'context window': options.contextTokens > 0,
    heartbeat: options.heartbeatMs > 0,
  };
  const results: Result[] = [];
  const judge = async (check: Check): Promise<void> => {
    const started = performance.now();
    const missing = (check.needs ?? []).find(need => !has[need]);
    const [verdict, seen] =
      missing === undefined ? await outcome(check, probe) : (['skipped', NEEDS[missing]] as const);
    for (const socket of sockets.splice(0)) socket.close();
    const { id, asks, why } = check;
    const result = { id, group: groupOf(id), asks, why, verdict, seen, ms: Math.round(performance.now() - started) };
    results.push(result);
    options.onResult?.(result);
  };
  for (const check of chosen([...CHECKS, ...schemaChecks(traffic)], options)) await judge(check);
  const counts: { [verdict in Verdict]: number } = { pass: 0, fail: 0, skipped: 0, 'not offered': 0 };
  for (const { verdict } of results) counts[verdict] += 1;
  return { baseUrl, model, emulator, results, counts, ms: Math.round(performance.now() - began) };
}

const NEEDS: { readonly [need in Need]: string } = {
  emulator: 'needs the directives of the emulator',
  'second key': 'needs a second key (--second-key)',
  keys: 'the server asks for no key',
  'context window': 'needs the context window of the model (--context-tokens)',
  heartbeat: 'needs the time between heartbeats (--heartbeat-ms)',
};

export const chosen = (
  checks: readonly Check[],
  { only, skip }: Pick<RunOptions, 'only' | 'skip'>,
): readonly Check[] => {
  const named = (names: readonly string[], id: string): boolean => names.includes(id) || names.includes(groupOf(id));
  return checks.filter(({ id }) => (only.length === 0 || named(only, id)) && !named(skip, id));
};

async function outcome(check: Check, probe: Probe): Promise<readonly [Verdict, string]> {
  try {
    return ['pass', await check.run(probe)];
  } catch (thrown) {
    if (thrown instanceof Skipped) return ['skipped', thrown.message];
    if (thrown instanceof NotOffered) return ['not offered', thrown.message];
    if (thrown instanceof Failed) return ['fail', thrown.message];
    // A hang-up, a deadline, or a form that the check did not expect: no client would do better.
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? ` (${thrown.cause.message})` : '';
    return ['fail', `${thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)}${cause}`];
  }
}

/** One request that everything depends on. @throws Unreachable */
async function preflight(options: RunOptions): Promise<{ readonly emulator: boolean; readonly keyed: boolean }> {
  const { baseUrl, key, model, timeoutMs } = options;
  try {
    const server = openServer(baseUrl, key, new Traffic(), timeoutMs);
    const first = created(await server.post('/responses', { model, input: 'Hello.', store: false }));
    const stranger = openServer(baseUrl, 'sk-of-nobody-000000000000', new Traffic(), timeoutMs);
    const { status } = await stranger.get('/models');
    return { emulator: options.emulator ?? outputText(first).startsWith('[emulated'), keyed: status === 401 };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
    throw new Unreachable(
      `${baseUrl} does not answer a first request: ${error instanceof Error ? error.message : ''}${cause}`,
      { cause: error },
    );
  }
}
