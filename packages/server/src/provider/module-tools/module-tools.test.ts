import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import type { ToolRun, ToolScope } from '../../engine/tools/ports.ts';
import { named, never, runOf, scopeOf } from '../mcp/source.test-support.ts';
import { defineTool, type ModuleTool, ToolError, TOOL_BOUNDS, type ToolContext } from './define-tool.ts';
import { loadTools } from './load.ts';
import { makeModuleSource } from './source.ts';

function sourceOf(tools: readonly ModuleTool[], resultBytes = 1_000) {
  const errors: unknown[] = [];
  const source = makeModuleSource({
    tools: tools.map(tool => ({ module: './tools.ts', tool })),
    resultBytes,
    report: (tool, error) => void errors.push([tool, error]),
  });
  return { source, errors };
}

async function outcomeOf(
  tool: ModuleTool,
  args: ToolRun['arguments'],
  over: Partial<ToolRun> = {},
  scope: ToolScope = scopeOf([]),
) {
  const { source } = sourceOf([tool]);
  return source.run(scope, named(await source.list(scope, never), tool.name), runOf(args, over));
}

const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  input: z.object({ a: z.number(), b: z.number().default(1) }),
  idempotent: true,
  run: ({ a, b }) => String(a + b),
});

describe('a tool of a module', () => {
  it('is offered with the JSON Schema of its input', async () => {
    const { source } = sourceOf([add]);
    expect(await source.list(scopeOf([]), never)).toEqual([
      {
        name: 'add',
        description: 'Adds two numbers.',
        parameters: {
          type: 'object',
          properties: { a: { type: 'number' }, b: { type: 'number', default: 1 } },
          required: ['a'],
        },
        idempotent: true,
        deferred: false,
        origin: { kind: 'module', module: './tools.ts' },
      },
    ]);
  });

  it('is run with what its schema made of the arguments, and never with others', async () => {
    expect(await outcomeOf(add, { a: 2 })).toEqual({ ok: true, output: '3' });
    const wrong = await outcomeOf(add, { a: 'two' });
    expect(wrong).toMatchObject({
      ok: false,
      code: 'invalid_arguments',
      message: expect.stringContaining('expected number'),
    });
  });

  it('is typed by its schema', () => {
    defineTool({
      name: 'typed',
      description: 'x',
      input: z.object({ at: z.string().transform(Number) }),
      run(input, context) {
        expectTypeOf(input).toEqualTypeOf<{ at: number }>();
        expectTypeOf(context).toEqualTypeOf<ToolContext>();
        return '';
      },
    });
  });

  it('knows the key of the call, and whose it is', async () => {
    const who = defineTool({
      name: 'who',
      description: 'x',
      input: z.object({}),
      run: (_, { key, tenant, session, principal }) => ({ key, tenant, session, principal }),
    });
    expect(await outcomeOf(who, {})).toEqual({
      ok: true,
      output: '{"key":"key_1","tenant":"local","session":"sess_1","principal":"me"}',
    });
  });

  it('L10: is offered to the sessions of its tenants alone', async () => {
    const mine = { ...add, tenants: ['other'] };
    const { source } = sourceOf([mine]);
    expect(await source.list(scopeOf([]), never)).toEqual([]);
    const scope = scopeOf([], { tenant: 'other' as never });
    const [tool] = await source.list(scope, never);
    if (tool === undefined) throw new Error('not offered');
    expect(await source.run(scopeOf([]), tool, runOf({ a: 1 }))).toMatchObject({ ok: false, code: 'tool_gone' });
    expect(await source.run(scope, tool, runOf({ a: 1 }))).toMatchObject({ ok: true });
  });

  it('tells the model what a ToolError says, and of any other that it failed', async () => {
    const throws = (error: Error): ModuleTool =>
      defineTool({
        name: 'throws',
        description: 'x',
        input: z.object({}),
        run() {
          throw error;
        },
      });
    expect(await outcomeOf(throws(new ToolError('no such row', { code: 'no_row' })), {})).toEqual({
      ok: false,
      code: 'no_row',
      message: 'no such row',
    });
    const secret = new Error('postgres://me:secret@db');
    expect(await outcomeOf(throws(secret), {})).toEqual({
      ok: false,
      code: 'tool_failed',
      message: 'The tool failed.',
    });
    const { source, errors } = sourceOf([throws(secret)]);
    await source.run(scopeOf([]), named(await source.list(scopeOf([]), never), 'throws'), runOf({}));
    expect(errors).toEqual([['throws', secret]]);
  });

  it('is not waited for once its time is up, or the turn is cancelled', async () => {
    const slow = (timeoutMs: number): ModuleTool =>
      defineTool({
        name: 'slow',
        description: 'x',
        input: z.object({}),
        timeoutMs,
        run: () => sleep(300, 'done'),
      });
    expect(await outcomeOf(slow(2_000), {})).toEqual({ ok: true, output: 'done' });
    expect(await outcomeOf(slow(20), {})).toEqual({
      ok: false,
      code: 'tool_timeout',
      message: 'The tool did not end within 20 ms. It is not known what it has done.',
    });
    expect(await outcomeOf(slow(2_000), {}, { signal: AbortSignal.abort() })).toMatchObject({
      ok: false,
      code: 'cancelled',
    });
  });

  it('gives texts, contents or JSON, up to the bound', async () => {
    const gives = (result: never): ModuleTool =>
      defineTool({ name: 'gives', description: 'x', input: z.object({}), run: () => result });
    const given = async (result: unknown) => {
      const outcome = await outcomeOf(gives(result as never), {});
      return outcome.ok === true ? outcome.output : outcome;
    };
    expect(await given({ rows: 2 })).toBe('{"rows":2}');
    expect(await given(undefined)).toBe('');
    expect(await given([{ type: 'input_text', text: 'x' }])).toEqual([{ type: 'input_text', text: 'x' }]);
    expect(await given('x'.repeat(1_000))).toBe('x'.repeat(1_000));
    expect(await given(`${'x'.repeat(999)}ä`)).toBe(`${'x'.repeat(999)}\n[2 bytes left out.]`);
  });

  it('cannot be defined as what no model could call', () => {
    const of = (over: object): ModuleTool =>
      defineTool({ name: 'x', description: 'x', input: z.object({}), run: () => '', ...over });
    expect(of({ name: 'x'.repeat(64), timeoutMs: TOOL_BOUNDS.timeoutMs })).toBeDefined();
    expect(() => of({ name: 'x'.repeat(65) })).toThrow('needs a name');
    expect(() => of({ name: 'a b' })).toThrow('needs a name');
    expect(() => of({ description: 'x'.repeat(TOOL_BOUNDS.descriptionChars + 1) })).toThrow('needs a description');
    expect(() => of({ timeoutMs: TOOL_BOUNDS.timeoutMs + 1 })).toThrow('needs a timeoutMs');
    expect(() => of({ input: z.object({ at: z.date() }) })).toThrow('no JSON Schema can say');
  });
});

describe('a module of tools', () => {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-tools-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return loadTools([{ shown: `./${name}`, path }]);
  };
  const MAKER = (name: string): string =>
    `export default ({ defineTool, z }) => [defineTool({ name: '${name}', description: 'x', input: z.object({}), run: () => 'ran' })]`;

  it('may be a function that is given what it needs', async () => {
    const [loaded] = await load('maker.mjs', MAKER('made'));
    expect(loaded).toMatchObject({ module: './maker.mjs', tool: { name: 'made', idempotent: false } });
  });

  it('says what is wrong with it, by its name', async () => {
    await expect(load('empty.mjs', 'export const x = 1')).rejects.toThrow('./empty.mjs exports no tools');
    await expect(load('broken.mjs', 'export default (')).rejects.toThrow('./broken.mjs cannot be loaded');
    await expect(load('own.mjs', MAKER('tool_search'))).rejects.toThrow("the name 'tool_search' is the server's own");
    const path = join(folder, 'maker.mjs');
    await expect(
      loadTools([
        { shown: './a', path },
        { shown: './b', path },
      ]),
    ).rejects.toThrow("./b and ./a both have a tool 'made'");
  });
});
