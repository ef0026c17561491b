/**
 * Loaded before a server (`--import`): writes to the file that BENCH_LOOP_FILE names, each second, the longest stall of its event loop since
 * the last line and the memory that it holds.
 */
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

export interface LoopLine {
  /** ms since 1970. */
  readonly at: number;
  /** The longest time by which the loop came late, ms. */
  readonly stallMs: number;
  readonly rssMb: number;
  readonly heapMb: number;
}

const RESOLUTION_MS = 1;
const file = process.env['BENCH_LOOP_FILE'];

if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  setInterval(() => {
    const { rss, heapUsed } = process.memoryUsage();
    const line: LoopLine = {
      at: Date.now(),
      stallMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS),
      rssMb: rss / 1048576,
      heapMb: heapUsed / 1048576,
    };
    delay.reset();
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  }, 1000).unref();
}
