/** Many streams at once, through a server of its own process: each ends whole, none is asked for twice, and memory stays within a bound. Nothing is timed. */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServerStarted, start, type Started, startServer } from '../../bench/processes.ts';
import { readStreams } from '../../bench/stream-client.ts';

const STREAMS = 100;
/** Of each stream; 5 s at their pace. */
const DELTAS = 25;
const EVERY_MS = 200;
/** What the server may come to hold at most, beside which it idles; MB. */
const PEAK_MB = 400;

let upstream: Started;
let server: ServerStarted;
beforeAll(async () => {
  upstream = await start(['bench/stream-upstream.ts']);
  server = await startServer({ url: upstream.url });
});
afterAll(async () => {
  await server.remove();
  await upstream.stop();
});

const calls = async (): Promise<number> => Number(await (await fetch(`${upstream.url}/calls`)).text());

test.each([
  ['stored', true],
  ['stateless', false],
])('%s streams end whole, each of one call', async (_, store) => {
  const before = await calls();
  const load = { url: `${server.url}/v1`, streams: STREAMS, deltas: DELTAS, everyMs: EVERY_MS, store, rampMs: 500 };
  // It throws if a stream lacks a delta or its end.
  expect((await readStreams(load)).deltas).toBe(STREAMS * DELTAS);
  expect((await calls()) - before).toBe(STREAMS);
});

/** Of the process so far. Only Linux tells. */
function peakMegabytes(pid: number): number {
  const [, kilobytes = ''] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

test.skipIf(!existsSync('/proc/self/status'))('they were held in bounded memory', () => {
  const peak = peakMegabytes(server.pid);
  expect(peak).toBeGreaterThan(20);
  expect(peak).toBeLessThan(PEAK_MB);
});
