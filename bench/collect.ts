/** Loaded before a server (`--import`): at SIGUSR2 it collects its heap and writes what it then holds to the file that BENCH_MEMORY_FILE names. */
import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

export interface Memory {
  /** Of the whole process, before and after the collection. */
  readonly rssBeforeMb: number;
  readonly rssMb: number;
  /** Of the main thread. */
  readonly heapMb: number;
  readonly externalMb: number;
}

const file = process.env['BENCH_MEMORY_FILE'];
const MB = 1048576;

if (isMainThread && file !== undefined) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('SIGUSR2', () => {
    const rssBeforeMb = process.memoryUsage().rss / MB;
    collect();
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    const memory: Memory = { rssBeforeMb, rssMb: rss / MB, heapMb: heapUsed / MB, externalMb: external / MB };
    writeFileSync(file, JSON.stringify(memory));
  });
}
