/**
 * Ten thousand sessions that wait for a person: what they cost the process, how long a restart takes with them, and whether each goes on once
 * it is told yes, with the side effect of its tool once.
 *
 *     npm run bench -- waiting [--sessions N]
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import type { Memory } from './collect.ts';
import type { Row } from './figures.ts';
import { processorSeconds, type ServerStarted, type Started, startServer } from './processes.ts';

export const WAITING = 10_000;
const AT_ONCE = 32;
const READY_GOAL_MS = 2000;
/** By which two looks at one server differ anyhow. */
const NOISE_MB = 8;
const LOOK_MS = 20;
/** Sessions that come and go before memory is looked at. */
const WARM_UP = 500;
/** For the last of them to end, once all are granted. */
const END_MS = 300_000;
const TOOL = new URL('waiting-tool.ts', import.meta.url).pathname;
const COLLECT = new URL('collect.ts', import.meta.url).pathname;

interface Place {
  readonly folder: string;
  readonly effects: string;
  readonly memory: string;
}

export async function benchWaiting(
  emulator: Pick<Started, 'url'>,
  say: (text: string) => void,
  count: number = WAITING,
): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-bench-waiting-'));
  const place: Place = { folder, effects: join(folder, 'effects.txt'), memory: join(folder, 'memory.json') };
  const env = {
    BENCH_EFFECTS: place.effects,
    BENCH_MEMORY_FILE: place.memory,
    NODE_OPTIONS: `--import=${COLLECT}`,
  };
  let server = await startServer(emulator, `tools: ${TOOL}\n`, { env });
  try {
    return await measure(emulator, server, place, say, count, next => {
      server = next;
    });
  } finally {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  emulator: Pick<Started, 'url'>,
  first: ServerStarted,
  place: Place,
  say: (text: string) => void,
  count: number,
  now: (server: ServerStarted) => void,
): Promise<readonly Row[]> {
  // A second start, as later: what the first compiles is kept.
  const empty = await restart(first, now);
  const memoryEmpty = await memoryOf(empty.server, place);
  say(`no session: ready after ${empty.readyMs.toFixed(0)} ms, ${shown(memoryEmpty)}`);
  let server = empty.server;
  await withPool(server, pool => rounds(pool, count, WARM_UP));
  const memoryWarm = await memoryOf(server, place);
  say(`${WARM_UP} came and went: ${shown(memoryWarm)}`);

  const creating = performance.now();
  await withPool(server, pool => inParallel(count, bill => create(pool, bill)));
  await withPool(server, pool => untilWaiting(pool, count));
  const createS = (performance.now() - creating) / 1000;
  const memoryHeld = await memoryOf(server, place);
  say(`${count} wait after ${createS.toFixed(1)} s, ${shown(memoryHeld)}`);

  const full = await restart(server, now);
  server = full.server;
  const memoryFull = await memoryOf(server, place);
  const besideMs = await readyBeside(emulator);
  say(
    `restarted: ready after ${full.readyMs.toFixed(0)} ms, ${shown(memoryFull)}; a server without sessions after ${besideMs.toFixed(0)} ms`,
  );

  const granting = performance.now();
  const usedBefore = processorSeconds(server.pid);
  const approvals = await withPool(server, listWaiting);
  const listS = (performance.now() - granting) / 1000;
  await withPool(server, pool => inParallel(approvals.length, i => grant(pool, approvals[i] ?? '')));
  const grantS = (performance.now() - granting) / 1000;
  const ended = await withPool(server, pool => untilIdle(pool, count + WARM_UP));
  const endS = (performance.now() - granting) / 1000;
  const usedS = processorSeconds(server.pid) - usedBefore;
  const effects = readFileSync(place.effects, 'utf8').trim().split('\n');
  const once = new Set(effects).size;
  say(
    `all granted after ${grantS.toFixed(1)} s (listed in ${listS.toFixed(1)} s), ended after ${endS.toFixed(1)} s, ${shown(await memoryOf(server, place))}`,
  );
  const all = count + WARM_UP;
  const right = effects.length === all && once === all && ended === all;
  const per = (seconds: number): string => `${((seconds * 1000) / count).toFixed(1)} ms each`;
  const growth = (from: Memory, to: Memory): string =>
    `heap ${from.heapMb.toFixed(1)} -> ${to.heapMb.toFixed(1)} MB, resident ${from.rssMb.toFixed(0)} -> ${to.rssMb.toFixed(0)} MB`;
  return [
    {
      what: `${count} sessions wait: heap of the process that made them, collected`,
      goal: `as before + ${NOISE_MB} MB`,
      measured: `${growth(memoryWarm, memoryHeld)}; made in ${createS.toFixed(0)} s (${per(createS)})`,
      ratio: (memoryHeld.heapMb - memoryWarm.heapMb) / NOISE_MB,
    },
    {
      what: 'the same after a restart: resident',
      goal: `as without + ${NOISE_MB} MB`,
      measured: growth(memoryEmpty, memoryFull),
      ratio: (memoryFull.rssMb - memoryEmpty.rssMb) / NOISE_MB,
    },
    {
      what: 'that restart, from the start of the process until it is ready',
      goal: `<= ${READY_GOAL_MS} ms`,
      measured: `${full.readyMs.toFixed(0)} ms; one beside it with no session ${besideMs.toFixed(0)} ms`,
      ratio: full.readyMs / READY_GOAL_MS,
    },
    {
      what: 'all granted: they go on and end, each side effect once',
      goal: `${count}`,
      measured: `${ended - WARM_UP} ended, ${once - WARM_UP} bills paid in ${effects.length - WARM_UP} effects; granted in ${grantS.toFixed(0)} s (${per(grantS)}), ended after ${endS.toFixed(0)} s; processor time ${per(usedS)}`,
      ratio: right ? 1 : Number.POSITIVE_INFINITY,
    },
  ];
}

/** Sessions from their beginning to their end: what the process compiles and keeps for them is there then. */
async function rounds(pool: Pool, from: number, count: number): Promise<void> {
  await inParallel(count, i => create(pool, from + i));
  await untilWaiting(pool, count);
  const approvals = await listWaiting(pool);
  await inParallel(count, i => grant(pool, approvals[i] ?? ''));
  await untilIdle(pool, count);
}

const shown = ({ heapMb, rssMb, rssBeforeMb }: Memory): string =>
  `heap ${heapMb.toFixed(1)} MB, resident ${rssBeforeMb.toFixed(0)} MB, collected ${rssMb.toFixed(0)} MB`;

async function restart(
  server: ServerStarted,
  now: (server: ServerStarted) => void,
): Promise<{ readonly server: ServerStarted; readonly readyMs: number }> {
  await server.stop();
  const begun = performance.now();
  const next = await server.again();
  now(next);
  while ((await fetch(`${next.url}/readyz`)).status !== 200) await pause(LOOK_MS);
  return { server: next, readyMs: performance.now() - begun };
}

/** A restart of a server that holds nothing, at the same hour: what the machine takes. */
async function readyBeside(emulator: Pick<Started, 'url'>): Promise<number> {
  let server = await startServer(emulator);
  try {
    const { readyMs } = await restart(server, next => {
      server = next;
    });
    return readyMs;
  } finally {
    await server.remove();
  }
}

async function memoryOf({ pid }: ServerStarted, { memory }: Place): Promise<Memory> {
  rmSync(memory, { force: true });
  // Timers of what was just done have run out.
  await pause(1500);
  process.kill(pid, 'SIGUSR2');
  while (!existsSync(memory) || readFileSync(memory, 'utf8') === '') await pause(LOOK_MS);
  await pause(LOOK_MS);
  return JSON.parse(readFileSync(memory, 'utf8')) as Memory;
}

async function withPool<T>({ url }: ServerStarted, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = new Pool(url, { connections: AT_ONCE, pipelining: 1 });
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

async function ask(
  pool: Pool,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<{ readonly [name: string]: unknown }> {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer bench' };
  const answer = await pool.request({ path, method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
  return JSON.parse(text) as { readonly [name: string]: unknown };
}

async function create(pool: Pool, bill: number): Promise<void> {
  const input = `Please pay {"bill":${bill}}`;
  await ask(pool, 'POST', '/v1/agents/sessions', { agent: { model: 'bench' }, environment: { type: 'none' }, input });
}

const grant = (pool: Pool, id: string): Promise<unknown> => ask(pool, 'POST', `/perdure/v1/approvals/${id}/grant`, {});

interface Page {
  readonly data: readonly { readonly id: string; readonly status: string }[];
  readonly has_more: boolean;
  readonly last_id: string;
}

async function listWaiting(pool: Pool): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let after = ''; ; ) {
    const path = `/perdure/v1/approvals?status=waiting&order=asc&limit=100${after}`;
    const page = (await ask(pool, 'GET', path)) as unknown as Page;
    ids.push(...page.data.map(({ id }) => id));
    if (!page.has_more) return ids;
    after = `&after=${page.last_id}`;
  }
}

async function untilWaiting(pool: Pool, count: number): Promise<void> {
  while ((await listWaiting(pool)).length < count) await pause(500);
}

/** Sessions that are idle, once all are or their time is up. */
async function untilIdle(pool: Pool, count: number): Promise<number> {
  const until = performance.now() + END_MS;
  for (;;) {
    const idle = await countIdle(pool);
    if (idle >= count || performance.now() > until) return idle;
    await pause(500);
  }
}

async function countIdle(pool: Pool): Promise<number> {
  let idle = 0;
  for (let after = ''; ; ) {
    const page = (await ask(pool, 'GET', `/v1/agents/sessions?order=asc&limit=100${after}`)) as unknown as Page;
    idle += page.data.filter(({ status }) => status === 'idle').length;
    if (!page.has_more) return idle;
    after = `&after=${page.last_id}`;
  }
}

async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await work(at);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const pause = (ms: number): Promise<void> => new Promise(resolve => void setTimeout(resolve, ms));
