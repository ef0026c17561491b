/** Deferred tools, found by a search. */
import { describe, expect, test } from 'vitest';
import { batches, type CallScript, message } from '../scripted-provider.test-support.ts';
import { ACME, type Booted, until, World } from '../world.test-support.ts';
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
import type { ToolDefinition } from './ports.ts';

/** With a deferred tool of the server. */
class Deferring extends TestTools {
  override async list(): Promise<readonly ToolDefinition[]> {
    const [safe] = await super.list();
    if (safe === undefined) throw new Error('there are tools');
    return [safe, { ...safe, name: 'far_tide', description: 'High water at a port.', deferred: true }];
  }
}

const fn = (name: string, deferred: boolean): object => ({
  type: 'function',
  name,
  description: `Weather ${name}.`,
  parameters: { type: 'object' },
  defer_loading: deferred,
});
const SEARCH = { type: 'tool_search' };
const asks =
  (...named: readonly NamedCall[]): CallScript =>
  () =>
    batches(calls(...named));
const says: CallScript = () => batches(message('Done.'));

interface Here extends Booted {
  readonly world: World;
  readonly tools: Deferring;
  readonly id: string;
}

async function begun(scripts: readonly CallScript[], tools: readonly object[]): Promise<Here> {
  const world = new World();
  world.provider.inTurn(...scripts);
  const source = new Deferring();
  const booted = world.boot({ tools: desk(source) });
  return { ...booted, world, tools: source, id: await session(booted.engine, { agent: { model: 'gpt', tools } }) };
}

/** What the nth call offered. */
const offeredIn = ({ world }: Pick<Here, 'world'>, n: number): readonly string[] =>
  (world.provider.calls[n]?.settings.tools ?? []).map(tool => tool.name);

describe('an agent with tool_search', () => {
  const TOOLS = [SEARCH, fn('forecast', true), fn('now', false)];

  test('is offered what is not deferred and the search; what it finds from the next step on', async () => {
    const here = await begun([asks(['tool_search', '{"query":"tide"}']), asks(['far_tide', '{}']), says], TOOLS);
    await becomes(here.engine, here.id, 'idle');
    expect(offeredIn(here, 0)).toEqual(['now', 'safe', 'tool_search']);
    expect(offeredIn(here, 1)).toEqual(['now', 'safe', 'far_tide', 'tool_search']);
    expect(here.tools.ran.map(({ name }) => name)).toEqual(['far_tide']);
    const [found] = (await outcomes(here.engine, here.id)) as string[][];
    expect(found).toEqual([
      'tool_search',
      'done',
      JSON.stringify({ tools: [{ name: 'far_tide', description: 'High water at a port.' }] }),
    ]);
  });

  test('has what it found in later turns, and after a restart', async () => {
    const here = await begun([asks(['tool_search', '{"query":"weather forecast"}']), says, says], TOOLS);
    await becomes(here.engine, here.id, 'idle');
    here.world.pass(60_000);
    const { engine } = here.world.boot({ tools: desk(new Deferring()) });
    const input = [{ role: 'user' as const, content: [{ type: 'input_text' as const, text: 'Again' }] }];
    await engine.agentSessions.post(ACME, here.id, [{ type: 'agent.session.input.message', input }], null);
    await until(() => here.world.provider.calls.length === 3, 'the model is asked');
    expect(offeredIn(here, 2)).toContain('forecast');
    expect(offeredIn(here, 2)).not.toContain('far_tide');
  });

  test('is offered no search once there is nothing left to find', async () => {
    const here = await begun([asks(['tool_search', '{"query":"high water","limit":1}']), says], [SEARCH]);
    await becomes(here.engine, here.id, 'idle');
    expect(offeredIn(here, 1)).toEqual(['safe', 'far_tide']);
  });

  test.each(['far_tide', 'forecast'])('that calls %s without having found it is told to search', async name => {
    const here = await begun([asks([name, '{}']), says], TOOLS);
    await becomes(here.engine, here.id, 'idle');
    expect(await outcomes(here.engine, here.id)).toEqual([
      [name, 'tool_not_found', 'The tool is not loaded. Call tool_search with words of what it does first.'],
    ]);
    expect(here.tools.ran).toEqual([]);
    // Whoever drives the session was never asked to run it.
    const facts = (await shown(here.engine, here.id)).map(({ type }) => type);
    expect(facts).not.toContain('perdure.waiting');
    if (name === 'forecast') expect(facts).not.toContain('perdure.tool');
  });

  test.each([
    ['{"query":""}', "'query' is a text of 1 to 512 characters."],
    [JSON.stringify({ query: 'x'.repeat(513) }), "'query' is a text of 1 to 512 characters."],
    ['{"query":"tide","limit":0}', "'limit' is a whole number from 1 to 20."],
    ['{"query":"tide","limit":21}', "'limit' is a whole number from 1 to 20."],
  ])('is told what is wrong with %s', async (args, why) => {
    const here = await begun([asks(['tool_search', args]), says], TOOLS);
    await becomes(here.engine, here.id, 'idle');
    expect(await outcomes(here.engine, here.id)).toEqual([['tool_search', 'invalid_arguments', why]]);
  });

  test.each([JSON.stringify({ query: 'x'.repeat(512) }), '{"query":"tide","limit":20}', '{"query":"tide","limit":1}'])(
    'may search with %s',
    async args => {
      const here = await begun([asks(['tool_search', args]), says], TOOLS);
      await becomes(here.engine, here.id, 'idle');
      expect(await outcomes(here.engine, here.id)).toEqual([['tool_search', 'done', expect.any(String)]]);
    },
  );
});

test('without tool_search deferred tools are offered like any other', async () => {
  const here = await begun([says], [fn('forecast', true)]);
  await becomes(here.engine, here.id, 'idle');
  expect(offeredIn(here, 0)).toEqual(['forecast', 'safe', 'far_tide']);
});
