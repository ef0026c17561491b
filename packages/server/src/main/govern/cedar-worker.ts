/** The thread that Cedar runs in: one call, one answer, in the order in which they come. */
import { setFlagsFromString } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import type { Cedar } from '../../contract/cedar.ts';
import type { ContractFiles } from '../../contract/rule.ts';
import type { CedarAnswer, CedarCall, CedarWorkerStart } from './cedar-apart.ts';

/**
 * How much code of WebAssembly runs before it is optimized; V8's own value is put back once Cedar has taken this one. Cedar runs for half a
 * second; to optimize it takes a third of a second more, and leaves 20 MB with the process for good.
 */
const NEVER = 2_000_000_000;
const AS_EVER = 13_000_000;

async function unoptimized(): Promise<Cedar> {
  setFlagsFromString(`--wasm-tiering-budget=${NEVER}`);
  try {
    return (await import('../../contract/cedar-here.ts')).CEDAR_HERE;
  } finally {
    setFlagsFromString(`--wasm-tiering-budget=${AS_EVER}`);
  }
}

const { port, answered } = workerData as CedarWorkerStart;
// What cannot be loaded is told to who asks: a thread that fell would leave it waiting.
const cedar = await unoptimized().catch((error: unknown) =>
  error instanceof Error ? error : new Error(String(error)),
);

parentPort?.on('message', (contracts: readonly ContractFiles[]) => {
  void prime(contracts).finally(() => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
    parentPort?.postMessage('primed');
  });
});

async function prime(contracts: readonly ContractFiles[]): Promise<void> {
  if (cedar instanceof Error) return;
  const { loadContractWith } = await import('../../contract/load-with.ts');
  for (const files of contracts) loadContractWith(cedar, files);
}

port.on('message', ({ op, args }: CedarCall) => {
  let answer: CedarAnswer;
  try {
    if (cedar instanceof Error) throw cedar;
    // The name stands for the arguments: both sides are typed by the same table.
    const call = cedar[op] as (...given: readonly unknown[]) => unknown;
    answer = { ok: true, value: call(...args) };
  } catch (error) {
    answer = { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
  port.postMessage(answer);
  Atomics.store(answered, 0, 1);
  Atomics.notify(answered, 0);
});
