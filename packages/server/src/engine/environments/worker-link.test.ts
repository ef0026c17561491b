import type { WorkerDo, WorkerSays } from '@perdure/protocol';
import { WORKER_LIMITS } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import { codeOf, until } from '../world.test-support.ts';
import { type Ask, WorkerLink } from './worker-link.ts';

const clock = { now: () => 0, monotonic: () => performance.now() };
const EXEC: WorkerDo = { op: 'exec', command: 'true', cwd: null, timeout_ms: 1000 };
const OPEN = new AbortController().signal;

function linked(limits = { workerGraceMs: 60_000, workerWaitMs: 60_000 }) {
  const states: boolean[] = [];
  const link = new WorkerLink(clock, limits, connected => states.push(connected));
  const says = (more: Partial<WorkerSays> = {}): WorkerSays => ({
    protocol: 1,
    worker: 'worker-one',
    isolation: 'none',
    known: [],
    results: [],
    output: [],
    wait_ms: 0,
    leaving: false,
    ...more,
  });
  const ask = (key: string, more: Partial<Ask> = {}) =>
    link.ask({ key, do: EXEC, timeoutMs: 1000, signal: null, show: () => undefined, ...more });
  const waits = (more: Partial<WorkerSays> = {}, left: AbortSignal = OPEN) =>
    link.exchange(says({ wait_ms: 20_000, ...more }), left);
  const tells = (more: Partial<WorkerSays> = {}) => link.exchange(says(more), OPEN);
  return { link, states, says, ask, waits, tells };
}
const keys = (told: { readonly requests: readonly { readonly key: string }[] }) => told.requests.map(({ key }) => key);
const done = (key: string) => ({ key, ok: true, value: { said: key } }) as const;

describe('requests', () => {
  test('a question that waits is answered as soon as there is something to do; its result is handed over', async () => {
    const { ask, waits, tells } = linked();
    const waiting = waits();
    const asked = ask('a');
    expect(keys(await waiting)).toEqual(['a']);
    expect((await tells({ results: [done('a')] })).taken).toEqual(['a']);
    expect(await asked).toEqual({ said: 'a' });
  });

  test('K1: what a worker does not know is told again, what it knows is not', async () => {
    const { ask, waits, tells } = linked();
    await tells();
    const asked = ask('a');
    expect(keys(await waits())).toEqual(['a']);
    expect(keys(await waits())).toEqual(['a']);
    const waiting = waits({ known: ['a'] });
    const second = ask('b');
    expect(keys(await waiting)).toEqual(['b']);
    await tells({ results: [done('b'), done('a')] });
    expect(await Promise.all([asked, second])).toEqual([{ said: 'a' }, { said: 'b' }]);
  });

  test('output is shown once though it is told again, and what never came is said to be missing', async () => {
    const { ask, waits, tells } = linked();
    await tells();
    const shown: string[] = [];
    const asked = ask('a', { show: text => shown.push(text) });
    await waits();
    const says = (text: string, at?: number) =>
      tells({ output: [{ key: 'a', text, ...(at !== undefined && { at }) }] });
    await says('one ', 0);
    await says('one two ', 0);
    await says('two ', 4);
    await says('late', 10);
    expect(shown.join('')).toBe('one two \n[... 2 characters left out ...]\nlate');
    await tells({ results: [done('a')] });
    await asked;
  });

  test('a worker of before, which says no place, is shown as it tells', async () => {
    const { ask, waits, tells } = linked();
    await tells();
    const shown: string[] = [];
    const asked = ask('a', { show: text => shown.push(text) });
    await waits();
    for (const text of ['one ', 'one ']) await tells({ output: [{ key: 'a', text }] });
    expect(shown.join('')).toBe('one one ');
    await tells({ results: [done('a')] });
    await asked;
  });

  test('a question whose connection went is given nothing, and what was to do stays to be done', async () => {
    const { ask, waits } = linked();
    const gone = new AbortController();
    const waiting = waits({}, gone.signal);
    gone.abort();
    expect(keys(await waiting)).toEqual([]);
    void ask('a').catch(() => undefined);
    expect(keys(await waits())).toEqual(['a']);
  });

  test('K2: a result that nobody waits for is taken; one that is told twice counts once', async () => {
    const { tells } = linked();
    expect((await tells({ results: [done('x')] })).taken).toEqual(['x']);
    expect((await tells({ results: [done('x')] })).taken).toEqual(['x']);
  });

  test('output is shown as it comes, and bounded', async () => {
    const { ask, waits, tells } = linked();
    const shown: string[] = [];
    await tells();
    void ask('a', { show: text => shown.push(text) }).catch(() => undefined);
    await waits();
    await tells({
      known: ['a'],
      output: [
        { key: 'a', text: 'one' },
        { key: 'z', text: 'foreign' },
      ],
    });
    await tells({ known: ['a'], output: [{ key: 'a', text: 'x'.repeat(WORKER_LIMITS.outputChars) }] });
    await tells({ known: ['a'], output: [{ key: 'a', text: 'late' }] });
    expect(shown.map(text => text.length)).toEqual([3, WORKER_LIMITS.outputChars]);
  });

  test('a call that is given up is told to the worker that has it, and never begun by one that has not', async () => {
    const { ask, waits, tells } = linked();
    await tells();
    const stop = new AbortController();
    const asked = ask('a', { signal: stop.signal });
    await waits();
    const waiting = waits({ known: ['a'] });
    stop.abort();
    expect((await waiting).cancel).toEqual(['a']);
    const ended = { key: 'a', ok: true, value: { ended: 'aborted' } } as const;
    expect((await tells({ results: [ended] })).cancel).toEqual([]);
    expect(await asked).toEqual({ ended: 'aborted' });
    const never = new AbortController();
    const unheard = ask('b', { signal: never.signal });
    never.abort();
    expect(await unheard).toMatchObject({ ended: 'aborted' });
    expect(keys(await tells({ wait_ms: 1 }))).toEqual([]);
  });

  test('errors of a workspace come as they are; others are the worker’s', async () => {
    const { ask, tells } = linked();
    await tells();
    const failed = (key: string, code: string) => ({ key, ok: false, code, message: 'No.' }) as const;
    const [one, two] = [codeOf(ask('a')), codeOf(ask('b'))];
    await tells({ results: [failed('a', 'file_too_large'), failed('b', 'outcome_unknown')] });
    expect([await one, await two]).toEqual(['file_too_large', 'environment_disconnected']);
  });

  test('as many as it may have, and no more', async () => {
    const { ask, tells } = linked();
    await tells();
    for (let i = 0; i < WORKER_LIMITS.requests; i++) void ask(`k${i}`).catch(() => undefined);
    expect(await codeOf(ask('more'))).toBe('rate_limit_exceeded');
  });
});

describe('connections', () => {
  test('K3: one worker at a time; whoever leaves makes room', async () => {
    const { link, tells, states } = linked();
    await tells();
    expect(await codeOf(tells({ worker: 'worker-two' }))).toBe('worker_already_connected');
    await tells({ leaving: true });
    expect(link.connected).toBe(false);
    await tells({ worker: 'worker-two' });
    expect(states).toEqual([true, false, true]);
  });

  test('silence for the grace is an absence; a question that waits is no silence', async () => {
    const { link, waits, states } = linked({ workerGraceMs: 30, workerWaitMs: 30 });
    const gone = new AbortController();
    const waiting = waits({}, gone.signal);
    await new Promise(resolve => setTimeout(resolve, 90));
    expect(link.connected).toBe(true);
    gone.abort();
    await waiting;
    await until(() => !link.connected, 'its absence');
    expect(states).toEqual([true, false]);
  });

  test('nobody there: asked at once, or gone while it ran', async () => {
    const { ask, waits } = linked({ workerGraceMs: 30, workerWaitMs: 30 });
    expect(await codeOf(ask('a'))).toBe('environment_disconnected');
    const waiting = waits();
    const asked = ask('b', { timeoutMs: 1 });
    await waiting;
    await expect(asked).rejects.toMatchObject({ code: 'environment_disconnected', details: { delivered: true } });
  });
});
