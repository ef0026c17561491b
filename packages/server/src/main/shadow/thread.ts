/** The server's end of the thread that solves. */
import { Worker } from 'node:worker_threads';
import type { LpSolution } from '../../money/shadow.ts';

const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 };

/** @throws if it takes longer than `ms`, or the program has no optimum */
export function solveInThread(program: string, ms: number): Promise<LpSolution> {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const worker = new Worker(new URL(`./worker${extension}`, import.meta.url), {
    workerData: { program },
    resourceLimits: RESOURCE_LIMITS,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  worker.unref();
  return new Promise<LpSolution>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`shadow prices were not computed in ${ms} ms`)), ms);
    timer.unref();
    worker.once('message', (solution: LpSolution) => resolve(solution));
    worker.once('error', reject);
    worker.once('exit', () => {
      clearTimeout(timer);
      reject(new Error('the thread that computes shadow prices ended'));
    });
  }).finally(() => void worker.terminate());
}
