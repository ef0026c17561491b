/** P2, J1 to J3: what programs call is decided, approved, run and kept like any other call, and only what they return goes to the model. */
import { describe, expect, test } from 'vitest';
import { textOf } from '../../log/events.ts';
import { PROGRAM_TOOL } from '../../tool/program.ts';
import { programsHere } from '../../workspace/programs/here.test-support.ts';
import type { Engine } from '../engine.ts';
import { readAsked } from '../feed/asked.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { becomes, calls, desk, outcomes, session, shown, TestTools } from '../tools/agent-world.test-support.ts';
import type { ToolDesk } from '../tools/desk.ts';
import type { ToolQuestion } from '../tools/ports.ts';
import { ACME, RIVAL, World } from '../world.test-support.ts';

const CLIENT = { type: 'function', name: 'ask_user', description: '', parameters: { type: 'object' } };
const AGENT = { agent: { model: 'gpt', tools: [{ type: PROGRAM_TOOL }, CLIENT] } };

function programs(code: string): World {
  const made = new World();
  made.provider.inTurn(
    () => batches(calls([PROGRAM_TOOL, JSON.stringify({ code })])),
    () => batches(message('Done.')),
  );
  return made;
}

type Verdict = Parameters<typeof desk>[1];
const with_ = (tools: TestTools, verdict?: Verdict, host = programsHere()): Partial<ToolDesk> => ({
  ...desk(tools, verdict),
  programs: host,
});

/** What the model was told of its program. */
function told(made: World): unknown {
  const all = made.provider.calls.at(-1)?.context.flatMap(run => run.items) ?? [];
  return all.filter(item => item.type === 'function_call_output').map(item => item['output']);
}

async function actions(engine: Engine, id: string) {
  return (await engine.agentSessions.view(ACME, id)).actions;
}

describe('a program', () => {
  test('is offered, calls the other tools, and only what it returns goes to the model', async () => {
    const made = programs(`
      const all = await Promise.all([1, 2, 3].map(n => tools.safe({ n })));
      return { seen: all.length, last: all[2] };`);
    const tools = new TestTools();
    const { engine } = made.boot({ tools: with_(tools) });
    const id = await session(engine, AGENT);
    await becomes(engine, id, 'idle');
    expect(told(made)).toEqual(['{"seen":3,"last":"did {\\"n\\":3}"}']);
    expect(JSON.stringify(made.provider.calls[0]?.settings)).toContain(PROGRAM_TOOL);
    const sent = made.provider.calls.at(-1)?.context.flatMap(run => run.items) ?? [];
    expect(sent.slice(0, 3).map(item => item.type)).toEqual(['message', 'function_call', 'function_call_output']);
    expect(tools.ran.map(({ name }) => name)).toEqual(['safe', 'safe', 'safe']);
    expect(new Set(tools.ran.map(({ key }) => key)).size).toBe(3);
    expect((await outcomes(engine, id)).map(one => (one as string[])[0])).toEqual([
      'safe',
      'safe',
      'safe',
      PROGRAM_TOOL,
    ]);
  });

  test('is not offered to an agent that does not have it, or has it switched off', async () => {
    for (const tools of [[], [{ type: PROGRAM_TOOL, enabled: false }]]) {
      const made = new World();
      made.provider.inTurn(() => batches(message('Done.')));
      const { engine } = made.boot({ tools: with_(new TestTools()) });
      await becomes(engine, await session(engine, { agent: { model: 'gpt', tools } }), 'idle');
      expect(JSON.stringify(made.provider.calls[0]?.settings)).not.toContain(PROGRAM_TOOL);
    }
  });

  test('shows its calls as items with ids of their own, and whose they are', async () => {
    const made = programs('return tools.safe({ n: 1 })');
    const { engine } = made.boot({ tools: with_(new TestTools()) });
    const id = await session(engine, AGENT);
    await becomes(engine, id, 'idle');
    const facts = (await shown(engine, id))
      .filter(({ type }) => type === 'perdure.tool')
      .map(({ json }) => JSON.parse(json) as { call_id: string; item_id: string; caller?: object; arguments: string });
    const [program, call] = facts;
    expect(facts).toHaveLength(2);
    expect(call).toMatchObject({ name: 'safe', arguments: '{"n":1}', output_index: 0 });
    expect(call?.caller).toEqual({ type: 'program', caller_id: program?.call_id });
    expect(call?.item_id).not.toBe(program?.item_id);
    expect(program?.caller).toBeUndefined();
  });

  test('is told what failed, and may go on', async () => {
    const made = programs(`
      const failed = [];
      for (const name of ['once', 'nothing', '${PROGRAM_TOOL}']) {
        try { await tools[name]({}) } catch (error) { failed.push([error.name, error.code]) }
      }
      return failed;`);
    const { engine } = made.boot({ tools: with_(new TestTools(), name => (name === 'once' ? 'deny' : 'permit')) });
    await becomes(engine, await session(engine, AGENT), 'idle');
    expect(told(made)).toEqual([
      JSON.stringify([
        ['ToolError', 'permission_denied'],
        ['ToolError', 'tool_not_found'],
        ['ToolError', 'tool_not_found'],
      ]),
    ]);
  });

  test('policies are told that a program calls', async () => {
    const made = programs('await tools.safe({}); return 1');
    const asked: ToolQuestion[] = [];
    const tools = {
      ...with_(new TestTools()),
      policy: {
        decide(question: ToolQuestion) {
          asked.push(question);
          return { verdict: 'permit' as const, policy: 'v', reasons: [] };
        },
      },
    };
    const { engine } = made.boot({ tools });
    await becomes(engine, await session(engine, AGENT), 'idle');
    expect(new Set(asked.map(({ tool, caller }) => `${tool.name} ${caller}`))).toEqual(
      new Set([`${PROGRAM_TOOL} direct`, 'safe programmatic']),
    );
  });

  test.each([
    ['throws', 'throw new Error("no")', 'Error: Error: no (line 1)'],
    ['is no JavaScript', 'return (', /^Error: SyntaxError: /],
    ['waits for nothing', 'await new Promise(() => undefined)', /^Error: It waits for a promise/],
    ['never ends', 'for (;;);', 'Error: It computed for too long.'],
  ])('that %s fails alone: the turn goes on', async (_, code, text) => {
    const made = programs(code);
    const { engine } = made.boot({ tools: with_(new TestTools()) });
    await becomes(engine, await session(engine, AGENT), 'idle');
    const [output] = told(made) as string[];
    if (typeof text === 'string') expect(output).toBe(text);
    else expect(output).toMatch(text);
  });

  test.each([
    [3, '3'],
    [4, 'Error: It made more than 3 calls.'],
  ])('of %i calls, with a bound of 3', async (n, output) => {
    const made = programs(`let n = 0; while (n < ${n}) { await tools.safe({}); n++ } return n`);
    const tools = new TestTools();
    const { engine } = made.boot({ tools: with_(tools, undefined, programsHere({ calls: 3 })) });
    await becomes(engine, await session(engine, AGENT), 'idle');
    expect(told(made)).toEqual([output]);
    expect(tools.ran).toHaveLength(3);
  });

  test.each([
    [4, '3'],
    [3, 'Error: A turn may call tools at most 3 times.'],
  ])('its calls count toward the bound of the turn: %i', async (tools, output) => {
    const made = programs('let n = 0; while (n < 3) { await tools.safe({}); n++ } return n');
    const given = { ...desk(new TestTools(), () => 'permit', { tools }), programs: programsHere() };
    const { engine } = made.boot({ tools: given });
    await becomes(engine, await session(engine, AGENT), 'idle');
    expect(told(made)).toEqual([output]);
  });

  test.each([
    [60, '1'],
    [61, 'Error: A program may have at most 60 characters; this one has 61.'],
  ])('of %i characters, with a bound of 60', async (size, output) => {
    const made = programs('return 1//'.padEnd(size, '.'));
    const { engine } = made.boot({ tools: with_(new TestTools(), undefined, programsHere({ source: 60 })) });
    await becomes(engine, await session(engine, AGENT), 'idle');
    expect(told(made)).toEqual([output]);
  });
});

describe('a program that waits for people', () => {
  test('is let go, and begun anew with what its calls gave; what ran does not run again', async () => {
    const made = programs(`
      const first = await tools.once({ n: 1 });
      const answer = await tools.ask_user({ about: first });
      return [first, answer];`);
    const tools = new TestTools();
    const host = programsHere();
    const { engine } = made.boot({ tools: with_(tools, undefined, host) });
    const id = await session(engine, AGENT);
    await becomes(engine, id, 'requires_action');
    expect(engine.busy).toBe(0);
    const [action] = await actions(engine, id);
    expect(action).toMatchObject({ kind: 'function_call', name: 'ask_user', arguments: '{"about":"did {\\"n\\":1}"}' });
    // Another process, which has nothing but the log.
    made.pass(60_000);
    const second = made.boot({ tools: with_(tools, undefined, host) });
    const turn = (await second.engine.agentSessions.turns(ACME, id, { order: 'asc', limit: 1, after: null })).data[0];
    const call_id = textOf(action?.['call_id']);
    const turn_id = `turn_${turn?.row.id.slice('resp_'.length)}`;
    await second.engine.agentSessions.post(
      ACME,
      id,
      [{ type: 'agent.session.input.tool_result', turn_id, call_id, success: true, output: 'yes' }],
      null,
    );
    await becomes(second.engine, id, 'idle');
    expect(told(made)).toEqual(['["did {\\"n\\":1}","yes"]']);
    expect(tools.ran).toHaveLength(1);
    expect(host.begun).toBe(2);
  });

  test('goes on when one of two is approved, and again when the other is', async () => {
    const made = programs(`
      const seen = [];
      await Promise.all([1, 2].map(async n => { await tools.once({ n }); seen.push(n); await tools.safe({ n }) }));
      return seen;`);
    const tools = new TestTools();
    const { engine } = made.boot({ tools: with_(tools, name => (name === 'once' ? 'ask' : 'permit')) });
    const id = await session(engine, AGENT);
    for (const left of [2, 1]) {
      await becomes(engine, id, 'requires_action');
      const open = await actions(engine, id);
      expect(open).toHaveLength(left);
      await engine.approvals.grant(ACME.tenant, textOf(open.at(-1)?.['approval']), 'key:boss');
    }
    await becomes(engine, id, 'idle');
    expect(told(made)).toEqual(['[2,1]']);
    expect(tools.ran.map(({ name }) => name)).toEqual(['once', 'safe', 'once', 'safe']);
  });

  test('shows whoever is asked exactly what it asks for', async () => {
    const made = programs('return tools.once({ b: 1, a: [2] })');
    const { engine, stores } = made.boot({
      tools: with_(new TestTools(), name => (name === 'once' ? 'ask' : 'permit')),
    });
    const id = await session(engine, AGENT);
    await becomes(engine, id, 'requires_action');
    const [open] = await actions(engine, id);
    const [store] = stores;
    const asked = store && (await readAsked(store, ACME.tenant, textOf(open?.['approval'])));
    expect(asked).toMatchObject({ tool: 'once', arguments: { b: 1, a: [2] } });
    expect(store && (await readAsked(store, RIVAL.tenant, textOf(open?.['approval'])))).toBeNull();
  });

  test('is told of a denial', async () => {
    const made = programs('try { await tools.once({}) } catch (error) { return error.code + ": " + error.message }');
    const tools = new TestTools();
    const { engine } = made.boot({ tools: with_(tools, name => (name === 'once' ? 'ask' : 'permit')) });
    const id = await session(engine, AGENT);
    await becomes(engine, id, 'requires_action');
    const [open] = await actions(engine, id);
    await engine.approvals.deny(ACME.tenant, textOf(open?.['approval']), 'key:boss', 'not today');
    await becomes(engine, id, 'idle');
    expect(told(made)).toEqual(['approval_denied: The call was not approved: not today']);
    expect(tools.ran).toEqual([]);
  });

  test('is cancelled with its turn', async () => {
    const made = programs('await tools.ask_user({})');
    const { engine } = made.boot({ tools: with_(new TestTools()) });
    const id = await session(engine, AGENT);
    await becomes(engine, id, 'requires_action');
    await engine.agentSessions.post(ACME, id, [{ type: 'agent.session.input.cancel' }], null);
    await becomes(engine, id, 'idle');
    expect(await actions(engine, id)).toEqual([]);
  });
});

test('a program that is put away while it runs goes on', async () => {
  const made = programs('let sum = 0; for (let n = 0; n < 5; n++) sum += (await tools.safe({ n })).length; return sum');
  const tools = new TestTools();
  const host = programsHere();
  host.forgetAfter = 2;
  const { engine } = made.boot({ tools: with_(tools, undefined, host) });
  await becomes(engine, await session(engine, AGENT), 'idle');
  expect(told(made)).toEqual([String('did {"n":0}'.length * 5)]);
  expect([tools.ran.length, host.begun]).toEqual([5, 2]);
});

test('a program that does something else when it is run again runs nothing new', async () => {
  // Nothing that a program can ask gives it two answers; here its chance does.
  const made = programs('await tools.once({ n: Math.random() }); await tools.ask_user({}); return tools.once({})');
  const host = programsHere();
  let seeds = 0;
  const begin = host.begin.bind(host);
  host.begin = (program, signal) => begin({ ...program, seed: `${seeds++}` }, signal);
  const tools = new TestTools();
  const { engine } = made.boot({ tools: with_(tools, undefined, host) });
  const id = await session(engine, AGENT);
  await becomes(engine, id, 'requires_action');
  const [action] = await actions(engine, id);
  const { data } = await engine.agentSessions.turns(ACME, id, { order: 'asc', limit: 1, after: null });
  const turn_id = `turn_${data[0]?.row.id.slice('resp_'.length)}`;
  const result = { turn_id, call_id: textOf(action?.['call_id']), success: true, output: '' };
  await engine.agentSessions.post(ACME, id, [{ type: 'agent.session.input.tool_result', ...result }], null);
  await becomes(engine, id, 'idle');
  expect(told(made)).toEqual([
    'Error: Run again, the program did not make call 0 as it did before; nothing more was run.',
  ]);
  expect(tools.ran).toHaveLength(1);
  expect((await outcomes(engine, id)).at(-1)).toEqual([PROGRAM_TOOL, 'program_diverged', expect.any(String)]);
});
