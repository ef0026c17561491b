import { describe, expect, test } from 'vitest';
import { batches, type CallScript, message } from '../scripted-provider.test-support.ts';
import { ACME, codeOf, gate, until, World } from '../world.test-support.ts';
import {
  becomes,
  calls,
  desk,
  type NamedCall,
  outcomes,
  session,
  shown,
  TestTools,
} from './agent-world.test-support.ts';
import type { ToolOutcome } from './ports.ts';

const said =
  (...steps: ReturnType<typeof calls>): CallScript =>
  () =>
    batches(steps);
const answers: CallScript = () => batches(message('Done.'));

function world(...named: readonly NamedCall[]): { readonly world: World; readonly tools: TestTools } {
  const made = new World();
  made.provider.inTurn(said(...calls(...named)), answers);
  return { world: made, tools: new TestTools() };
}

describe('tools of a turn', () => {
  test('run side by side, each under a key of its own, and the model is told what they gave', async () => {
    const { world: made, tools } = world(['safe', '{"a":1}'], ['once', '']);
    const both = gate();
    tools.act = async ({ arguments: args }) => {
      if (tools.ran.length === 2) both.open();
      await both.opened;
      return { ok: true, output: JSON.stringify(args) };
    };
    const { engine } = made.boot({ tools: desk(tools) });
    const id = await session(engine);
    await becomes(engine, id, 'idle');
    expect(new Set(tools.ran.map(({ key }) => key)).size).toBe(2);
    const ended = await outcomes(engine, id);
    expect(ended).toHaveLength(2);
    expect(ended).toEqual(
      expect.arrayContaining([
        ['once', 'done', '{}'],
        ['safe', 'done', '{"a":1}'],
      ]),
    );
    const sent = JSON.stringify(made.provider.calls[1]?.context);
    expect(sent).toContain('function_call_output');
    expect(made.provider.calls).toHaveLength(2);
  });

  test('run no more at once than is allowed', async () => {
    const { world: made, tools } = world(['safe', '{}'], ['safe', '{}'], ['safe', '{}']);
    let now = 0;
    let most = 0;
    tools.act = async () => {
      most = Math.max(most, ++now);
      await new Promise(resolve => setImmediate(resolve));
      now -= 1;
      return { ok: true, output: '' };
    };
    const { engine } = made.boot({ tools: desk(tools, () => 'permit', { atOnce: 2 }) });
    await becomes(engine, await session(engine), 'idle');
    expect([tools.ran.length, most]).toEqual([3, 2]);
  });

  test.each([
    ['is denied', desk, 'deny', 'permission_denied', 'Permission denied by policy (rule).'],
    [
      'needs a person in a session that nobody watches',
      desk,
      'ask',
      'permission_denied',
      'Permission denied by policy (rule).',
    ],
  ] as const)('one that %s does not run', async (_, make, verdict, code, text) => {
    const { world: made, tools } = world(['once', '{}']);
    const { engine } = made.boot({ tools: make(tools, () => verdict) });
    const id = await session(engine, { review: 'auto_review' });
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([['once', code, text]]);
    expect(tools.ran).toEqual([]);
  });

  test('a policy that errs denies', async () => {
    const { world: made, tools } = world(['once', '{}']);
    const broken = {
      ...desk(tools),
      policy: {
        decide: () => {
          throw new Error('secret detail');
        },
      },
    };
    const { engine, reported } = made.boot({ tools: broken });
    const id = await session(engine);
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([['once', 'permission_denied', 'Permission denied by policy.']]);
    expect(reported.map(({ what }) => what)).toEqual(['tools.policy']);
  });

  const FAILING: readonly (readonly [string, NamedCall, TestTools['act'], unknown])[] = [
    [
      'says so',
      ['safe', '{}'],
      async () => ({ ok: false, code: 'no_luck', message: 'No luck.' }),
      ['safe', 'no_luck', 'No luck.'],
    ],
    [
      'throws',
      ['safe', '{}'],
      async () => {
        throw new Error('sk-secret');
      },
      ['safe', 'tool_failed', 'The tool failed.'],
    ],
    [
      'never ends',
      ['safe', '{}'],
      () => new Promise<ToolOutcome>(() => undefined),
      ['safe', 'tool_timeout', 'The tool did not end within 30 ms.'],
    ],
    [
      'has no arguments that are an object',
      ['safe', '[1]'],
      async () => ({ ok: true, output: '' }),
      ['safe', 'invalid_arguments', 'The arguments are not a JSON object.'],
    ],
    [
      'is not there',
      ['nothing', '{}'],
      async () => ({ ok: true, output: '' }),
      ['nothing', 'tool_not_found', 'There is no such tool.'],
    ],
  ];
  test.each(FAILING)('one that %s fails alone: the turn goes on', async (_, call, act, outcome) => {
    const { world: made, tools } = world(call);
    tools.act = act;
    const { engine } = made.boot({ tools: desk(tools, () => 'permit', { toolMs: 30 }) });
    const id = await session(engine);
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([outcome]);
    expect(JSON.stringify(await shown(engine, id))).not.toContain('sk-secret');
    expect(made.provider.calls).toHaveLength(2);
  });

  test.each([
    [100, 'x'.repeat(100)],
    [101, /^x+\n\[\.\.\. 1 characters left out \.\.\.\]\nx+$/],
  ])('an output of %i characters is cut in the middle over the bound, and says so', async (size, kept) => {
    const { world: made, tools } = world(['safe', '{}']);
    tools.act = async () => ({ ok: true, output: 'x'.repeat(size) });
    const { engine } = made.boot({ tools: desk(tools, () => 'permit', { outputChars: 100 }) });
    const id = await session(engine);
    await becomes(engine, id, 'idle');
    const [[, , output] = []] = (await outcomes(engine, id)) as string[][];
    expect(output?.length).toBeLessThanOrEqual(100);
    if (typeof kept === 'string') expect(output).toBe(kept);
    else expect(output).toMatch(kept);
  });
});

describe('a bound of a turn', () => {
  const errorOf = async (engine: Parameters<typeof shown>[0], id: string): Promise<unknown> => {
    const last = (await shown(engine, id)).at(-1);
    const { response } = JSON.parse(last?.json ?? '{}') as {
      response: { status: string; error: { code: string } | null };
    };
    return [response.status, response.error?.code ?? null];
  };
  test.each([
    ['calls', { calls: 2 }, ['completed', null]],
    ['calls', { calls: 1 }, ['failed', 'turn_limit_reached']],
    ['tools', { tools: 2 }, ['completed', null]],
    ['tools', { tools: 1 }, ['failed', 'turn_limit_reached']],
    ['tokens', { tokens: 16 }, ['completed', null]],
    ['tokens', { tokens: 15 }, ['failed', 'turn_limit_reached']],
  ] as const)('%s: %o', async (_, limits, end) => {
    const { world: made, tools } = world(['safe', '{}'], ['safe', '{}']);
    const { engine } = made.boot({ tools: desk(tools, () => 'permit', limits) });
    const id = await session(engine);
    await becomes(engine, id, 'idle');
    expect(await errorOf(engine, id)).toEqual(end);
  });

  test('its time ends tools that run', async () => {
    const { world: made, tools } = world(['once', '{}']);
    tools.act = () => new Promise(() => undefined);
    const { engine } = made.boot({ tools: desk(tools), limits: { turnMs: 60 } });
    const id = await session(engine);
    await becomes(engine, id, 'idle');
    expect(await errorOf(engine, id)).toEqual(['failed', 'deadline_exceeded']);
  });
});

test('a turn that is cancelled ends the tools that run', async () => {
  const { world: made, tools } = world(['once', '{}']);
  let ended = false;
  tools.act = ({ signal }) =>
    new Promise(() => {
      signal.addEventListener('abort', () => {
        ended = true;
      });
    });
  const { engine } = made.boot({ tools: desk(tools) });
  const id = await session(engine);
  await until(() => tools.ran.length === 1, 'the tool runs');
  expect(await codeOf(engine.agentSessions.delete(ACME, id))).toBe('session_running');
  await engine.agentSessions.post(ACME, id, [{ type: 'agent.session.input.cancel' }], null);
  expect(ended).toBe(true);
  await becomes(engine, id, 'idle');
  await engine.agentSessions.delete(ACME, id);
});
