/**
 * What every implementation of the `Provider` port must do, put to it against an upstream that misbehaves on demand. A new dialect is
 * held to the same by one call of this.
 */
import { type Emulator, startEmulator } from '@perdure/emulator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CallSettings,
  type FunctionTool,
  isProviderError,
  type Provider,
  type ProviderError,
} from '../engine/ports.ts';
import type { LoggedItem } from '../log/events.ts';
import type { Step, StepEnd } from '../log/steps.ts';
import type { ProviderLimits } from './limits.ts';
import { callTo, type Outcome, outcomeOf, textOf, userItem, userRun } from './raw-upstream.test-support.ts';
import { brokenLaw } from './step-laws.test-support.ts';

export interface ProviderUnderTest {
  readonly name: string;
  readonly make: (limits: Partial<ProviderLimits>) => Provider;
}

const KEY = 'test-key-of-the-emulator';
const QUICK: Partial<ProviderLimits> = { connectMs: 5_000, firstByteMs: 10_000, idleMs: 10_000 };
/** Long enough for what must pass on a busy machine, short enough to wait for. */
const SHORT_MS = 400;

const weather: FunctionTool = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};

export function providerConformance({ name, make }: ProviderUnderTest): void {
  describe(`${name}, against the emulator`, () => {
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

    const call = (
      text: string,
      settings: CallSettings = {},
      through = provider,
      signal = new AbortController().signal,
    ) =>
      through.call(
        callTo(emulator.baseUrl('azure'), {
          upstream: { target: 'azure', baseUrl: emulator.baseUrl('azure'), model: 'gpt-5.5-emulated', apiKey: KEY },
          context: [userRun(text)],
          settings,
          signal,
        }),
      );
    const ask = (text: string, settings: CallSettings = {}, through = provider) =>
      outcomeOf(call(text, settings, through));

    describe('answers', () => {
      test('a text is one message, whole, with its end last (P1-P3)', async () => {
        const { steps, error } = await ask('Microsoft holds 27 percent. [[words: 40]]');
        expect(error).toBeNull();
        expect(brokenLaw(steps, true)).toBeNull();
        expect(itemTypes(steps)).toEqual(['message']);
        expect(textOf(steps)).toMatch(/^\[emulated azure\] .{60}/);
        expect(steps.filter(step => step.type === 'delta').length).toBeGreaterThan(10);
        expect(endOf(steps)).toMatchObject({ outcome: 'completed', reason: null });
      });

      test('usage is normalised, and the upstream ids are kept', async () => {
        const { steps } = await ask('One. [[words: 12]] [[cached: 3]] [[reasoning: 7]]');
        const { usage, upstream } = endOf(steps);
        expect(usage).toMatchObject({ cached: 3, reasoning: 7 });
        expect(usage?.input).toBeGreaterThan(3);
        expect(usage?.output).toBeGreaterThan(7);
        expect(upstream.response).toMatch(/^(resp|chatcmpl)/);
        expect(upstream.request).toMatch(/^\S+$/);
      });

      test('parallel calls are items of their own, their arguments whole', async () => {
        const text = 'Call weather {"city":"Oslo"} and weather {"city":"Rome"}';
        const { steps, error } = await ask(text, { tools: [weather], toolChoice: 'auto', parallelToolCalls: true });
        expect(error).toBeNull();
        expect(brokenLaw(steps, true)).toBeNull();
        expect(itemTypes(steps)).toEqual(['function_call', 'function_call']);
        expect(textOf(steps)).toBe('{"city":"Oslo"}{"city":"Rome"}');
        const calls = steps.flatMap(step =>
          step.type === 'item' && step.item.type === 'function_call' ? [step.item] : [],
        );
        expect(calls.map(item => item.name)).toEqual(['weather', 'weather']);
        expect(new Set(calls.map(item => item.callId)).size).toBe(2);
      });

      test('a call and its output go back, and the model answers from them', async () => {
        const question = userItem('Call weather {"city":"Oslo"}');
        const settings = { tools: [weather] };
        const upstream = { target: 'azure', baseUrl: emulator.baseUrl('azure'), model: 'm', apiKey: KEY };
        const first = await outcomeOf(
          provider.call(callTo('', { upstream, context: [{ items: [question] }], settings })),
        );
        const asked = first.steps.find(step => step.type === 'item');
        if (asked?.type !== 'item' || asked.item.type !== 'function_call') throw new Error('no call was made');
        const { callId } = asked.item;
        const made: LoggedItem[] = [
          {
            type: 'message',
            id: 'msg_a',
            status: 'completed',
            role: 'assistant',
            content: [{ type: 'output_text', text: 'Let me see.', annotations: [], logprobs: [] }],
          },
          {
            type: 'function_call',
            id: 'fc_a',
            status: 'completed',
            call_id: callId,
            name: 'weather',
            arguments: '{"city":"Oslo"}',
          },
        ];
        const output: LoggedItem = {
          type: 'function_call_output',
          id: 'fco_a',
          status: 'completed',
          call_id: callId,
          output: 'minus four degrees',
        };
        const context = [{ items: [question] }, { items: made }, { items: [output] }];
        const { steps, error } = await outcomeOf(provider.call(callTo('', { upstream, context, settings })));
        expect(error).toBeNull();
        expect(textOf(steps)).toContain('minus four degrees');
      });

      test('a schema is passed on and filled', async () => {
        const schema = {
          type: 'object',
          properties: { n: { type: 'integer' } },
          required: ['n'],
          additionalProperties: false,
        };
        const { steps, error } = await ask('Give it.', {
          text: { format: { type: 'json_schema', name: 'out', schema, strict: true } },
        });
        expect(error).toBeNull();
        expect(JSON.parse(textOf(steps))).toHaveProperty('n');
      });

      test('a length cut-off is incomplete, in the item and at the end, and carries usage', async () => {
        const { steps, error } = await ask('Go. [[words: 400]]', { maxOutputTokens: 16 });
        expect(error).toBeNull();
        expect(brokenLaw(steps, true)).toBeNull();
        expect(endOf(steps)).toMatchObject({
          outcome: 'incomplete',
          reason: 'max_output_tokens',
          usage: { output: 16 },
        });
        expect(steps.at(-2)).toMatchObject({ type: 'item_done', incomplete: true });
      });

      test('the estimate of the input is not below what the upstream counts', async () => {
        const texts = [
          'Hi.',
          'Where does Microsoft hold state? '.repeat(60),
          'Где хранится состояние? '.repeat(40),
          '状態はどこにありますか。'.repeat(40),
        ];
        for (const text of texts) {
          const settings = { tools: [weather], instructions: 'Be brief.' };
          const run = userRun(text);
          const upstream = { target: 'azure', baseUrl: emulator.baseUrl('azure'), model: 'm', apiKey: KEY };
          const { steps } = await outcomeOf(provider.call(callTo('', { upstream, context: [run], settings })));
          const estimate = provider.estimateInput([run], settings);
          const counted = endOf(steps).usage?.input ?? 0;
          expect(estimate).toBeGreaterThanOrEqual(counted);
          expect(estimate).toBe(provider.estimateInput([run], settings));
        }
      });
    });

    describe('refusals', () => {
      const cases: readonly [number, ProviderError['providerError'], boolean][] = [
        [400, 'upstream_rejected', false],
        [401, 'upstream_credentials', true],
        [403, 'upstream_credentials', true],
        [404, 'upstream_rejected', true],
        [408, 'upstream_error', true],
        [409, 'upstream_error', true],
        [413, 'upstream_rejected', false],
        [422, 'upstream_rejected', false],
        [429, 'upstream_rate_limited', true],
        [500, 'upstream_error', true],
        [502, 'upstream_error', true],
        [503, 'upstream_error', true],
        [529, 'upstream_error', true],
      ];
      test.each(cases)('HTTP %i is %s (retryable: %s)', async (status, code, retryable) => {
        const outcome = await ask(`Hello [[fault: status ${status}]]`);
        expect(outcome.steps).toEqual([]);
        expect(failed(outcome)).toMatchObject({ providerError: code, retryable, status });
        expect(failed(outcome).requestId).toMatch(/^\S+$/);
      });

      test('the time asked for is kept, in seconds or milliseconds', async () => {
        expect(failed(await ask('Hello [[fault: status 429 retry-after 2]]')).retryAfterMs).toBe(2000);
        expect(failed(await ask('Hello [[fault: status 503 retry-after-ms 250]]')).retryAfterMs).toBe(250);
        expect(failed(await ask('Hello [[fault: status 503]]')).retryAfterMs).toBeNull();
      });

      test('a wrong key is a matter of credentials, and is not repeated (L9)', async () => {
        const apiKey = 'a-wrong-key-0123456789';
        const upstream = { target: 'azure', baseUrl: emulator.baseUrl('azure'), model: 'm', apiKey };
        const error = failed(await outcomeOf(provider.call(callTo('', { upstream }))));
        expect(error).toMatchObject({ providerError: 'upstream_credentials', status: 401 });
        expect(JSON.stringify([error.message, error.stack, error])).not.toContain(apiKey);
      });

      test('an unknown model is the target at fault', async () => {
        const upstream = { target: 'azure', baseUrl: emulator.baseUrl('azure'), model: 'unknown-model', apiKey: KEY };
        expect(failed(await outcomeOf(provider.call(callTo('', { upstream }))))).toMatchObject({
          providerError: 'upstream_rejected',
          status: 404,
        });
      });

      test('a field at fault is named, in the words of the upstream', async () => {
        const error = failed(await ask('Hello', { temperature: 9 }));
        expect(error).toMatchObject({
          providerError: 'upstream_rejected',
          retryable: false,
          status: 400,
          param: 'temperature',
        });
        expect(error.message).toContain('temperature');
      });

      test('nobody listens', async () => {
        const gone = await startEmulator({});
        const baseUrl = gone.baseUrl('azure');
        await gone.close();
        expect(failed(await outcomeOf(provider.call(callTo(baseUrl))))).toMatchObject({
          providerError: 'upstream_error',
          retryable: true,
          status: null,
        });
      });
    });

    describe('breaks', () => {
      test.each(['cut 3', 'malformed 3', 'error-event 3', 'oversize 3'])(
        '%s: what came is given out, then upstream_interrupted',
        async fault => {
          const outcome = await ask(`Hello [[words: 60]] [[latency: 2]] [[fault: ${fault}]]`);
          expect(brokenLaw(outcome.steps, false)).toBeNull();
          expect(outcome.steps.filter(step => step.type === 'delta').length).toBe(3);
          expect(failed(outcome)).toMatchObject({ providerError: 'upstream_interrupted', retryable: false });
        },
      );

      test('an answer without its end is interrupted, not complete', async () => {
        const outcome = await ask('Hello [[words: 20]] [[fault: truncate]]');
        expect(brokenLaw(outcome.steps, false)).toBeNull();
        expect(outcome.steps.some(step => step.type === 'end')).toBe(false);
        expect(textOf(outcome.steps)).not.toBe('');
        expect(failed(outcome)).toMatchObject({ providerError: 'upstream_interrupted', retryable: false });
      });

      test('cut before the first byte: nothing of it happened, it may be tried again', async () => {
        const outcome = await ask('Hello [[fault: cut 0]]');
        expect(outcome.steps).toEqual([]);
        expect(failed(outcome)).toMatchObject({ providerError: 'upstream_error', retryable: true });
      });
    });

    describe('deadlines', () => {
      const within = async (limits: Partial<ProviderLimits>, use: (provider: Provider) => Promise<void>) => {
        const bounded = make({ ...QUICK, ...limits });
        try {
          await use(bounded);
        } finally {
          await bounded.close();
        }
      };

      test('no headers within firstByteMs: upstream_timeout, retryable, and the upstream is left', async () => {
        await within({ firstByteMs: SHORT_MS }, async bounded => {
          const outcome = await ask('Hello [[fault: hang]]', {}, bounded);
          expect(failed(outcome)).toMatchObject({ providerError: 'upstream_timeout', retryable: true });
          await idle(emulator);
        });
      });

      test('headers alone are not the first byte', async () => {
        await within({ firstByteMs: SHORT_MS }, async bounded => {
          const outcome = await ask('Hello [[fault: hang 0]]', {}, bounded);
          expect(failed(outcome)).toMatchObject({ providerError: 'upstream_timeout', retryable: true });
          await idle(emulator);
        });
      });

      test('slow headers within firstByteMs pass, though idleMs is shorter', async () => {
        await within({ firstByteMs: 20 * SHORT_MS, idleMs: SHORT_MS }, async bounded => {
          const { error } = await ask(`Hello [[fault: slow-headers ${2 * SHORT_MS}]]`, {}, bounded);
          expect(error).toBeNull();
        });
      });

      test('silence beyond idleMs in the middle: upstream_timeout, not retryable, and the upstream is left', async () => {
        await within({ idleMs: SHORT_MS }, async bounded => {
          const outcome = await ask('Hello [[words: 30]] [[fault: hang 4]]', {}, bounded);
          expect(outcome.steps.filter(step => step.type === 'delta').length).toBe(4);
          expect(failed(outcome)).toMatchObject({ providerError: 'upstream_timeout', retryable: false });
          await idle(emulator);
        });
      });

      test('tokens slower than firstByteMs but within idleMs pass', async () => {
        await within({ firstByteMs: SHORT_MS, idleMs: 20 * SHORT_MS }, async bounded => {
          const { steps, error } = await ask(`Hello [[words: 3]] [[latency: ${SHORT_MS}]]`, {}, bounded);
          expect(error).toBeNull();
          expect(endOf(steps).outcome).toBe('completed');
        });
      });
    });

    describe('aborts', () => {
      test('before it begins: nothing is sent', async () => {
        const before = await requestsOf(emulator);
        expect(failed(await outcomeOf(call('Hello', {}, provider, AbortSignal.abort())))).toMatchObject({
          providerError: 'aborted',
          retryable: false,
        });
        expect(await requestsOf(emulator)).toBe(before);
      });

      test('before the headers', async () => {
        const abort = new AbortController();
        const waiting = outcomeOf(call('Hello [[fault: hang]]', {}, provider, abort.signal));
        await busy(emulator);
        abort.abort();
        expect(failed(await waiting)).toMatchObject({ providerError: 'aborted' });
        await idle(emulator);
      });

      test('while a pull waits', async () => {
        const abort = new AbortController();
        const stream = await call('Hello [[words: 30]] [[fault: hang 4]]', {}, provider, abort.signal);
        const reading = outcomeOf(Promise.resolve(stream));
        abort.abort();
        expect(failed(await reading)).toMatchObject({ providerError: 'aborted' });
        await idle(emulator);
      });

      test('while nobody pulls; what had come is not given out any more', async () => {
        const abort = new AbortController();
        const stream = await call('Hello [[words: 30]] [[fault: hang 4]]', {}, provider, abort.signal);
        abort.abort();
        await idle(emulator);
        const { steps, error } = await outcomeOf(Promise.resolve(stream));
        expect(steps).toEqual([]);
        expect(error).toMatchObject({ providerError: 'aborted' });
      });

      test('the reader leaves the loop', async () => {
        for await (const batch of await call('Hello [[words: 30]] [[fault: hang 4]]')) if (batch.length > 0) break;
        await idle(emulator);
      });

      test('the reader leaves before its first pull', async () => {
        const stream = await call('Hello [[words: 30]] [[fault: hang 4]]');
        const iterator = stream[Symbol.asyncIterator]();
        await iterator.return?.();
        await idle(emulator);
        expect(await iterator.next()).toEqual({ done: true, value: undefined });
      });
    });

    test('more calls than connections: the rest wait, and all are answered', async () => {
      const narrow = make({ ...QUICK, maxConnectionsPerOrigin: 2 });
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, at) => ask(`Number ${at} was said.`, {}, narrow)),
      );
      for (const [at, { steps, error }] of outcomes.entries()) {
        expect(error).toBeNull();
        expect(textOf(steps)).toContain(`Number ${at} was said.`);
      }
      await narrow.close();
    });
  });
}

function itemTypes(steps: readonly Step[]): readonly string[] {
  return steps.flatMap(step => (step.type === 'item' ? [step.item.type] : []));
}

function endOf(steps: readonly Step[]): StepEnd {
  const last = steps.at(-1);
  if (last?.type !== 'end') throw new Error('the steps have no end');
  return last;
}

function failed({ error }: Outcome): ProviderError {
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

async function requestsOf(emulator: Emulator): Promise<number> {
  return (await logOf(emulator)).total;
}

/** Until the emulator serves nobody: it has seen every client leave. */
async function idle(emulator: Emulator): Promise<void> {
  while ((await logOf(emulator)).requests.some(request => request.endedAt === null)) await pause();
}

async function busy(emulator: Emulator): Promise<void> {
  while (!(await logOf(emulator)).requests.some(request => request.endedAt === null)) await pause();
}

function pause(): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, 10);
  });
}
