/** Each bound of a program that operators set, kept from both sides, at a value that is not its default and at its least. */
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../main/config/limits.ts';
import { PROGRAM_BOUNDS, type ProgramServerLimits } from '../../main/config/program-bounds.ts';
import { programLimits } from '../../main/engine-limits.ts';
import { PROGRAM_LIMITS, type ProgramEnd, programSource } from '../../tool/program.ts';
import { programsHere } from './here.test-support.ts';
import { programHost } from './host.ts';

type Given = Partial<ProgramServerLimits>;

const limitsOf = (given: Given) => programLimits({ ...DEFAULT_LIMITS, ...given });
const leastOf = (name: keyof ProgramServerLimits): Given => ({ [name]: PROGRAM_BOUNDS[name].min });

async function endOf(source: string, given: Given): Promise<ProgramEnd | null> {
  const program = { source, seed: 'seed', at: 0 };
  return (await programsHere(limitsOf(given)).begin(program, new AbortController().signal)).first.end;
}

test('without a word of the operator they are what programs have of themselves', () => {
  expect(limitsOf({})).toEqual(PROGRAM_LIMITS);
});

test('source', () => {
  const given = limitsOf({ programSourceChars: 2_000 });
  expect(programSource({ code: 'x'.repeat(2_000) }, given)).toHaveProperty('source');
  expect(programSource({ code: 'x'.repeat(2_001) }, given)).toHaveProperty('wrong');
});

test('memory; with the least there is room for a small program', async () => {
  const fill = (mib: number): string => `return new Uint8Array(${mib} * 1024 * 1024).length`;
  expect(await endOf(fill(6), { programMemoryBytes: 8 * 1024 * 1024 })).toMatchObject({ ok: true });
  expect(await endOf(fill(9), { programMemoryBytes: 8 * 1024 * 1024 })).toMatchObject({ code: 'program_error' });
  expect(await endOf('return [1, 2].map(n => n * 2)', leastOf('programMemoryBytes'))).toMatchObject({ ok: true });
});

test('steps; with the least a small program ends', async () => {
  const count = (times: number): string => `for (let i = 0; i < ${times}; i++); return 1`;
  expect(await endOf(count(20_000), { programKilosteps: 100 })).toMatchObject({ ok: true });
  expect(await endOf(count(1_000_000), { programKilosteps: 100 })).toMatchObject({ code: 'program_limit' });
  expect(await endOf('return 1', leastOf('programKilosteps'))).toMatchObject({ ok: true });
});

test('calls', async () => {
  const call = (times: number): string => `for (let i = 0; i < ${times}; i++) tools.a({}); return 1`;
  expect(await endOf(call(3), { programCalls: 3 })).toMatchObject({ ok: true });
  expect(await endOf(call(4), { programCalls: 3 })).toMatchObject({ code: 'program_limit' });
  expect(await endOf(call(1), leastOf('programCalls'))).toMatchObject({ ok: true });
});

test('arguments of a call', async () => {
  const ended = async (length: number): Promise<unknown> => {
    const source = `try { await tools.a({ a: 'x'.repeat(${length} - 8) }); return 1 } catch { return 2 }`;
    const program = { source, seed: 's', at: 0 };
    const live = await programsHere(limitsOf({ programArgumentChars: 2_000 })).begin(
      program,
      new AbortController().signal,
    );
    return live.first.end ?? live.first.calls.map(one => one.arguments.length);
  };
  expect(await ended(2_000)).toEqual([2_000]);
  expect(await ended(2_001)).toMatchObject({ ok: true, output: '2' });
});

test('what the model is told', async () => {
  const told = async (length: number): Promise<string> => {
    const end = await endOf(`return 'x'.repeat(${length})`, { programOutputChars: 2_000 });
    return end?.ok === true ? end.output : '';
  };
  expect(await told(2_000)).toBe('x'.repeat(2_000));
  expect(await told(2_001)).not.toBe('x'.repeat(2_001));
  expect((await told(1_000_000)).length).toBeLessThan(2_200);
});

test('time between two waits', { timeout: 60_000 }, async () => {
  const ended = async (source: string, programStepMs: number): Promise<unknown> => {
    const given = { programStepMs, programKilosteps: PROGRAM_BOUNDS.programKilosteps.max };
    const host = programHost({ limits: limitsOf(given) });
    try {
      return (await host.begin({ source, seed: 's', at: 0 }, new AbortController().signal)).first.end;
    } finally {
      await host.close();
    }
  };
  expect(await ended('return 1', 30_000)).toMatchObject({ ok: true });
  expect(await ended('for (;;);', 300)).toMatchObject({
    code: 'program_limit',
    message: expect.stringContaining('300 ms'),
  });
});
