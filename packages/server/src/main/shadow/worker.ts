/** A thread that solves one program and ends: what the solver took is given back with it. */
import { parentPort, workerData } from 'node:worker_threads';
import { solve } from './solve.ts';

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
parentPort?.postMessage(await solve((workerData as { readonly program: string }).program));
