/** A thread that chooses what one compaction keeps, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { selectContent } from '../../session/compaction/select.ts';
import type { SelectTask } from './thread.ts';

const { items, options } = workerData as SelectTask;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
parentPort?.postMessage(selectContent(items, options));
