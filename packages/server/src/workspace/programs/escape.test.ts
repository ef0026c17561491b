/** What a program may try, in a thread of its own: each attempt is bounded, and finds nothing of the host. */
import { afterAll, describe, expect, test } from 'vitest';
import { PROGRAM_LIMITS, type ProgramEnd, type ProgramLimits, type ProgramResult } from '../../tool/program.ts';
import { programsHere } from './here.test-support.ts';
import { programHost } from './host.ts';

const AT = 1_700_000_000_000;
const host = programHost({ limits: { ...PROGRAM_LIMITS, stepMs: 20_000 } });
afterAll(() => host.close());

async function begin(source: string, limits?: Partial<ProgramLimits>, seed = 'seed') {
  const own = limits === undefined ? host : programHost({ limits: { ...PROGRAM_LIMITS, stepMs: 20_000, ...limits } });
  return own.begin({ source, seed, at: AT }, new AbortController().signal);
}

/** In a thread of its own, or in this one where only its own bounds are looked at: that is quicker. */
async function endOf(source: string, limits?: Partial<ProgramLimits>, here = false): Promise<ProgramEnd | null> {
  if (here)
    return (await programsHere(limits).begin({ source, seed: 'seed', at: AT }, new AbortController().signal)).first.end;
  const live = await begin(source, limits);
  live.end();
  return live.first.end;
}

async function value(source: string, limits?: Partial<ProgramLimits>): Promise<unknown> {
  const end = await endOf(source, limits);
  if (end?.ok !== true) throw new Error(JSON.stringify(end));
  return JSON.parse(end.output);
}

describe('a program finds', () => {
  test('nothing of the host', async () => {
    const found = await value(`
      const reach = (0, tools.safe).constructor.constructor('return this')();
      const global = Function('return this')();
      return {
        same: reach === globalThis && global === globalThis,
        names: ['process', 'require', 'module', 'Buffer', 'fetch', 'setTimeout', 'WebAssembly', 'Worker', 'std', 'os', 'performance', 'console', 'SharedArrayBuffer']
          .filter(name => typeof globalThis[name] !== 'undefined' && name !== 'SharedArrayBuffer'),
        own: Object.keys(globalThis),
        imports: await import('node:fs').then(() => 'loaded', () => 'refused'),
      };`);
    expect(found).toEqual({ same: true, names: [], own: [], imports: 'refused' });
  });

  test('no other time and no other chance than what its call has', async () => {
    const source = `
      class Later extends Date {}
      return [Date.now(), +new Date(), +new Later(), +new (new Date(0)).constructor(), new Date(2020, 0, 1).toString(),
        new Date().getTimezoneOffset(), Date.parse('2020-01-01T00:00:00'), Math.random(), Math.random()];`;
    const first = (await value(source)) as unknown[];
    expect(first.slice(0, 4)).toEqual([AT, AT, AT, AT]);
    expect(first.slice(5, 7)).toEqual([0, Date.UTC(2020, 0, 1)]);
    expect(first[7]).not.toBe(first[8]);
    expect(await value(source)).toEqual(first);
    const other = await begin(source, undefined, 'another');
    expect(other.first.end).not.toEqual({ ok: true, output: JSON.stringify(first) });
  });

  test('nothing of another program', async () => {
    await endOf('globalThis.left = 1; Object.prototype.left = 1; return 1');
    expect(await value('return [typeof globalThis.left, typeof {}.left]')).toEqual(['undefined', 'undefined']);
  });
});

describe('a program that changes the language', () => {
  const CHANGES = [
    'Object.prototype.resolve = () => 0; Object.prototype.get = () => () => 7;',
    'Promise.prototype.then = () => 0; Promise.resolve = () => 0;',
    'JSON.stringify = () => "{}"; JSON.parse = () => 7;',
    'Array.prototype[Symbol.iterator] = function* () {}; String = () => "x"; Error = function () {};',
    'globalThis.Promise = 0; globalThis.Proxy = 0; globalThis.JSON = 0;',
  ];
  test.each(CHANGES)('changes it for itself alone: %s', async change => {
    const live = await begin(`${change} const a = await tools.get({ n: 1 }); return a;`);
    expect(live.first.calls).toEqual([{ name: 'get', arguments: '{"n":1}' }]);
    const step = await live.feed({ index: 0, ok: true, text: 'plain', code: null });
    expect(step?.end).toEqual({ ok: true, output: 'plain' });
  });

  test('cannot change its tools, or take them for something else', async () => {
    const tried = await value(`
      const tried = [];
      for (const attempt of [
        () => { 'use strict'; tools.get = 1 },
        () => Object.setPrototypeOf(tools, Array.prototype),
        () => Object.defineProperty(tools, 'x', { value: 1 }),
      ]) try { attempt(); tried.push('done') } catch { tried.push('refused') }
      return [...tried, typeof tools.then, JSON.stringify(tools), await tools === tools, Object.keys(tools)];`);
    expect(tried).toEqual(['refused', 'refused', 'refused', 'undefined', '{}', true, []]);
  });
});

describe('a program that', () => {
  test.each([
    ['loops', 'for (;;);', { steps: 200 }, 'program_limit', /computed for too long/],
    [
      'loops in its own error',
      'try { for (;;); } catch { for (;;); } finally { for (;;); }',
      { steps: 200 },
      'program_limit',
      /too long/,
    ],
    [
      'never stops waiting for nothing',
      'const f = async () => { for (;;) await null }; await f()',
      { steps: 100 },
      'program_limit',
      /too long/,
    ],
    ['backtracks', '/(a+)+$/.test("a".repeat(60) + "b")', { steps: 200 }, 'program_limit', /too long/],
    ['recurses', 'const f = n => f(n + 1) + 1; f(0)', {}, 'program_error', /stack/],
    ['doubles a text', 'let s = "x"; for (;;) s += s', {}, 'program_error', /memory|too long/],
    ['fills the memory', 'const all = []; for (;;) all.push(new Uint8Array(1 << 20))', {}, 'program_error', /memory/],
    [
      'catches that there is no memory',
      'const all = []; for (;;) try { for (;;) all.push(new Uint8Array(1 << 20)) } catch {}',
      { steps: 200 },
      'program_limit',
      /too long/,
    ],
    ['waits for ever', 'await new Promise(() => {})', {}, 'program_stalled', /nothing settles/],
    [
      'computes what no step is counted of',
      'let n = 3n; for (let i = 0; i < 18; i++) n *= n; for (let i = 0; i < 5000; i++) String(n); return 1',
      { stepMs: 300 },
      'program_limit',
      /more than 300 ms/,
    ],
    ['throws what throws', 'throw { get name() { throw 1 } }', {}, 'program_error', /^Error$/],
    ['throws a proxy', 'throw new Proxy({}, { get() { for (;;); } })', { steps: 200 }, 'program_limit', /too long/],
    ['closes its own function', '}); (async () => { for (;;);', { steps: 200 }, 'program_limit', /too long/],
  ] as const)('%s is ended', async (_, source, limits, code, message) => {
    const end = await endOf(source, limits, !('stepMs' in limits));
    expect(end).toMatchObject({ ok: false, code });
    if (end?.ok === false) expect(end.message).toMatch(message);
  });

  test('recurses in the interpreter itself is ended, by whichever stack is full first', async () => {
    const source = 'let o = []; for (let i = 0; i < 1e4; i++) o = [o]; return JSON.stringify(o).length';
    const end = await endOf(source, {}, true);
    expect(end?.ok === false && ['program_error', 'program_limit'].includes(end.code)).toBe(true);
  });

  test.each([
    [100, /^x{100}$/],
    [101, /^x+\n\[\.\.\. 1 characters left out \.\.\.\]\nx+$/],
    [5_000_000, /characters left out/],
  ])('returns %i characters, with a bound of 100', async (size, kept) => {
    const end = await endOf(`return 'x'.repeat(${size})`, { output: 100 }, true);
    expect(end).toEqual({ ok: true, output: expect.stringMatching(kept) as unknown });
    if (end?.ok === true) expect(end.output.length).toBeLessThanOrEqual(100);
  });

  test('says much is cut as well', async () => {
    const end = await endOf('for (let i = 0; i < 5000; i++) text("x".repeat(100)); return 1', { output: 100 }, true);
    expect(end).toEqual({ ok: true, output: expect.stringMatching(/^x+\n\[.*\]\n/) as unknown });
  });

  test.each([
    [3, { ok: true, output: '{"a":{"a":{}}}' }],
    [4, { ok: false, code: 'program_limit', message: 'What it returns is nested more than 3 deep.' }],
  ])('returns %i objects within one another, with a bound of 3', async (n, end) => {
    expect(
      await endOf(`let o = {}; for (let i = 1; i < ${n}; i++) o = { a: o }; return o`, { depth: 3 }, true),
    ).toEqual(end);
  });

  const call = (args: string, limits: Partial<ProgramLimits>) =>
    programsHere(limits).begin(
      { source: `try { await tools.t(${args}) } catch (error) { return error.message }`, seed: 'seed', at: AT },
      new AbortController().signal,
    );
  test.each([
    ['{ a: { a: 1 } }', '{ a: { a: { a: 1 } } }', { depth: 2 }, 'the arguments are nested more than 2 deep'],
    ['{ a: "xx" }', '{ a: "xxx" }', { arguments: 10 }, 'the arguments have 11 characters; at most 10 are allowed'],
    ['{}', '[]', {}, 'a tool takes one object'],
    ['undefined', 'null', {}, 'a tool takes one object'],
    ['{ toJSON() { return {} } }', '{ toJSON() { return 1 } }', {}, 'a tool takes one object'],
  ])('calls with %s, not with %s', async (fits, does, limits, message) => {
    const taken = await call(fits, limits);
    expect(taken.first).toMatchObject({ calls: [{ name: 't' }], end: null });
    taken.end();
    expect((await call(does, limits)).first).toEqual({ calls: [], end: { ok: true, output: message } });
  });
});

describe('programs of a host', () => {
  const WAITS = 'const a = await tools.a({}); const b = await tools.b({}); return a + b';
  const gave = (index: number, text: string): ProgramResult => ({ index, ok: true, text, code: null });

  test('are put away while they wait when others want their place, and are not lost sight of', async () => {
    const small = programHost({ atOnce: 1 });
    const { signal } = new AbortController();
    const one = await small.begin({ source: WAITS, seed: 's', at: AT }, signal);
    const two = await small.begin({ source: WAITS, seed: 's', at: AT }, signal);
    expect(await one.feed(gave(0, 'A'))).toBeNull();
    expect((await two.feed(gave(0, 'A')))?.calls).toEqual([{ name: 'b', arguments: '{}' }]);
    expect((await two.feed(gave(1, 'B')))?.end).toEqual({ ok: true, output: 'AB' });
    await small.close();
  });

  test('wait for a place while all compute, and leave the queue when they are told to', async () => {
    const small = programHost({ atOnce: 1, limits: { ...PROGRAM_LIMITS, stepMs: 1_500, steps: 1e9 } });
    const busy = small.begin({ source: 'for (;;);', seed: 's', at: AT }, new AbortController().signal);
    const leaving = new AbortController();
    const gone = small.begin({ source: 'return 1', seed: 's', at: AT }, leaving.signal);
    const next = small.begin({ source: 'return 2', seed: 's', at: AT }, new AbortController().signal);
    leaving.abort();
    await expect(gone).rejects.toThrow('aborted');
    expect((await busy).first.end).toMatchObject({ code: 'program_limit' });
    expect((await next).first.end).toEqual({ ok: true, output: '2' });
    await small.close();
  });
});
