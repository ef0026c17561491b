/** The emulator and the provider that the cases share, and what they say to them. */
import { type Emulator, startEmulator } from '@perdure/emulator';
import { afterAll, beforeAll } from 'vitest';
import {
  type CallSettings,
  isProviderError,
  type Provider,
  type ProviderCall,
  type ProviderError,
  type Upstream,
} from '../../engine/ports.ts';
import type { Step, StepEnd } from '../../log/steps.ts';
import type { ProviderLimits } from '../limits.ts';
import { callTo, type Outcome, outcomeOf, userRun } from '../raw-upstream.test-support.ts';

export const KEY = 'test-key-of-the-emulator';
export const QUICK: Partial<ProviderLimits> = { connectMs: 5_000, firstByteMs: 10_000, idleMs: 10_000 };
/** Long enough for what must pass on a busy machine, short enough to wait for. */
export const SHORT_MS = 400;

/** How the answer is asked for. */
export type Mode = 'streamed' | 'whole';

export interface Harness {
  readonly mode: Mode;
  readonly emulator: () => Emulator;
  readonly provider: () => Provider;
  readonly make: (limits: Partial<ProviderLimits>) => Provider;
  /** The emulator as a target; other parts of it where given. */
  readonly upstream: (given?: Partial<Upstream>) => Upstream;
  /** A call to the emulator, other parts of it where given. */
  readonly callOf: (given?: Partial<ProviderCall>) => ProviderCall;
  readonly call: (
    text: string,
    settings?: CallSettings,
    through?: Provider,
    signal?: AbortSignal,
  ) => Promise<AsyncIterable<readonly Step[]>>;
  /** Makes a call in this mode. */
  readonly asked: (call: ProviderCall, through?: Provider) => Promise<AsyncIterable<readonly Step[]>>;
  /** A call, read to its end. */
  readonly ask: (text: string, settings?: CallSettings, through?: Provider) => Promise<Outcome>;
}

/** Inside a `describe`: starts before its tests and ends after them. */
export function harnessFor(make: Harness['make'], mode: Mode): Harness {
  let emulator: Emulator;
  let provider: Provider;
  beforeAll(async () => {
    emulator = await startEmulator({ apiKeys: [KEY], clouds: ['azure'] });
    provider = make(QUICK);
  });
  afterAll(async () => {
    await provider.close();
    await emulator.close();
  });
  const upstream: Harness['upstream'] = given => ({
    target: 'azure',
    baseUrl: emulator.baseUrl('azure'),
    model: 'gpt-5.5-emulated',
    apiKey: KEY,
    ...given,
  });
  const callOf: Harness['callOf'] = given => callTo('', { upstream: upstream(), ...given });
  const call: Harness['call'] = (text, settings = {}, through = provider, signal = new AbortController().signal) =>
    asked(callOf({ context: [userRun(text)], settings, signal }), through);
  const asked: Harness['asked'] = async (one, through = provider) =>
    mode === 'streamed' ? through.call(one) : inOneBatch(await through.answer(one));
  return {
    mode,
    emulator: () => emulator,
    provider: () => provider,
    make,
    upstream,
    callOf,
    asked,
    call,
    ask: (text, settings, through) => outcomeOf(call(text, settings, through)),
  };
}

async function* inOneBatch(steps: readonly Step[]): AsyncGenerator<readonly Step[]> {
  yield steps;
}

export function itemTypes(steps: readonly Step[]): readonly string[] {
  return steps.flatMap(step => (step.type === 'item' ? [step.item.type] : []));
}

export function endOf(steps: readonly Step[]): StepEnd {
  const last = steps.at(-1);
  if (last?.type !== 'end') throw new Error('the steps have no end');
  return last;
}

export function failed({ error }: Outcome): ProviderError {
  if (!isProviderError(error)) throw new Error(`not a ProviderError: ${String(error)}`);
  return error;
}

interface EmulatorLog {
  readonly total: number;
  readonly requests: readonly { readonly endedAt: number | null }[];
}

async function logOf(emulator: Emulator): Promise<EmulatorLog> {
  const answer = await fetch(`${emulator.url}/_emulator/log`);
  return (await answer.json()) as EmulatorLog;
}

export async function requestsOf(emulator: Emulator): Promise<number> {
  return (await logOf(emulator)).total;
}

/** Until the emulator serves nobody: it has seen every client leave. */
export async function idle(emulator: Emulator): Promise<void> {
  while ((await logOf(emulator)).requests.some(request => request.endedAt === null)) await pause();
}

export async function busy(emulator: Emulator): Promise<void> {
  while (!(await logOf(emulator)).requests.some(request => request.endedAt === null)) await pause();
}

function pause(): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, 10);
  });
}
