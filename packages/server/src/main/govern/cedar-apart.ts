/**
 * Cedar in a thread of its own, which ends when nothing was asked of it for a while. Contracts are loaded at a start and at an activation,
 * and Cedar's code would stay in the memory of a server that never needs it again. Whoever asks waits, as if it ran here. What was answered
 * before is on a shelf, and needs no thread.
 */
import { once } from 'node:events';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Cedar } from '../../contract/cedar.ts';
import type { ContractFiles } from '../../contract/rule.ts';
import { CedarShelf, shelfFile } from './cedar-shelf.ts';

export interface CedarWorkerStart {
  readonly port: MessagePort;
  /** 1 once the answer lies on the port. */
  readonly answered: Int32Array<SharedArrayBuffer>;
}

export interface CedarCall {
  readonly op: keyof Cedar;
  readonly args: readonly unknown[];
}

export type CedarAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** ms for one call, the start of the thread included. Longer is a defect: what it is given is bounded. */
const CALL_MS = 60_000;
/** ms without a call after which the thread ends. */
const REST_MS = 1000;

interface Running extends CedarWorkerStart {
  readonly worker: Worker;
}

let running: Running | null = null;
let shelf: CedarShelf | null = null;
let rest: ReturnType<typeof setTimeout> | undefined;

export const CEDAR_APART: Cedar = {
  policySetTextToParts: (...args) => kept('policySetTextToParts', args),
  policyToJson: (...args) => kept('policyToJson', args),
  templateToJson: (...args) => kept('templateToJson', args),
  validate: (...args) => kept('validate', args),
};

/** Begins the thread, so that it is there when it is asked: it starts while the caller does something else. Not where answers are kept. */
export function startCedar(): void {
  if (shelved().isEmpty) running ??= start();
}

/**
 * Has the thread started, and what Cedar needs for these contracts compiled, while this thread serves on: who then loads them waits for
 * their policies alone. What is wrong with them is found there.
 */
export async function primeCedar(contracts: readonly ContractFiles[]): Promise<void> {
  const { worker } = (running ??= start());
  clearTimeout(rest);
  worker.ref();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
  worker.postMessage(contracts);
  const over = new AbortController();
  const settled = (event: 'message' | 'exit'): Promise<unknown> =>
    once(worker, event, { signal: over.signal }).catch(() => undefined);
  // If it falls instead, who asks next is told.
  await Promise.race([settled('message'), settled('exit')]);
  over.abort();
  worker.unref();
  restSoon();
}

function shelved(): CedarShelf {
  restSoon();
  return (shelf ??= new CedarShelf(shelfFile()));
}

function kept<K extends keyof Cedar>(op: K, args: Parameters<Cedar[K]>): ReturnType<Cedar[K]> {
  return shelved().answer(op, args, () => ask(op, args));
}

function ask<K extends keyof Cedar>(op: K, args: Parameters<Cedar[K]>): ReturnType<Cedar[K]> {
  const { port, answered } = (running ??= start());
  Atomics.store(answered, 0, 0);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
  port.postMessage({ op, args } satisfies CedarCall);
  const waited = Atomics.wait(answered, 0, 0, CALL_MS);
  const answer = receiveMessageOnPort(port)?.message as CedarAnswer | undefined;
  if (waited === 'timed-out' || answer === undefined) {
    end();
    throw new Error(`Cedar did not answer within ${CALL_MS} ms`);
  }
  restSoon();
  if (!answer.ok) throw new Error(answer.message);
  return answer.value as ReturnType<Cedar[K]>;
}

function start(): Running {
  const { port1: port, port2 } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const worker = new Worker(new URL(`./cedar-worker${extension}`, import.meta.url), {
    workerData: { port: port2, answered } satisfies CedarWorkerStart,
    transferList: [port2],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  // Neither it nor the wait for its end keeps a process that is done.
  worker.unref();
  worker.on('error', end);
  port.unref();
  process.off('exit', putDown);
  process.once('exit', putDown);
  restSoon();
  return { port, answered, worker };
}

function restSoon(): void {
  clearTimeout(rest);
  rest = setTimeout(end, REST_MS).unref();
}

function putDown(): void {
  shelf?.save();
  shelf = null;
}

/** Puts down what was answered, and ends the thread. */
function end(): void {
  clearTimeout(rest);
  putDown();
  if (running === null) return;
  const { port, worker } = running;
  running = null;
  port.close();
  void worker.terminate();
}
