/** Sub-agents over an engine with everything real but the upstream: how they are made, told, waited for, stopped, closed, and ended with their session. */
import { parseCreateSession } from '@perdure/protocol';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../log/events.ts';
import type { Step } from '../../log/steps.ts';
import type { Engine } from '../engine.ts';
import type { ProviderCall } from '../ports.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { becomes, calls, desk, outcomes, session, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, gate, until, World } from '../world.test-support.ts';

export const MULTI = { agent: { model: 'gpt', multi_agent: { enabled: true, max_concurrent_subagents: 3 } } };

/** What the model was told last: a text, or the outputs of its calls. */
function heard({ context }: ProviderCall): readonly JsonObject[] {
  return context.flatMap(({ items }) => items as unknown as readonly JsonObject[]);
}

function textIn(item: JsonObject | undefined): string {
  const content = item?.['content'];
  return Array.isArray(content) ? String((content as readonly JsonObject[])[0]?.['text'] ?? '') : '';
}

function outputsIn(call: ProviderCall): readonly JsonObject[] {
  return heard(call)
    .filter(item => item['type'] === 'function_call_output')
    .map(item => JSON.parse(String(item['output'])) as JsonObject);
}

/** An owner that makes two, waits for both, and says what they said; and sub-agents that each run a tool first. */
function play(made: World): void {
  made.provider.follow(call => {
    const first = textIn(heard(call).find(item => item['type'] === 'message'));
    if (first !== 'Go') {
      const ran = outputsText(call);
      return batches(ran === null ? calls(['safe', `{"for":"${first}"}`]) : message(`${first}: ${ran}`));
    }
    return batches(owner(call));
  });
}

function outputsText(call: ProviderCall): string | null {
  const output = heard(call).find(item => item['type'] === 'function_call_output');
  return output === undefined ? null : String(output['output']);
}

function owner(call: ProviderCall): readonly Step[] {
  const told = outputsIn(call);
  const ids = told.flatMap(one => (typeof one['agent_id'] === 'string' ? [one['agent_id']] : []));
  if (told.length === 0) return calls(['create_subagent', '{"task":"alpha"}'], ['create_subagent', '{"task":"beta"}']);
  if (told.length === 2) return calls(['wait_for_subagents', JSON.stringify({ agent_ids: ids })]);
  const agents = told[2]?.['agents'] as readonly JsonObject[];
  return message(agents.map(one => `${String(one['status'])} ${String(one['message'])}`).join(' | '));
}

async function lastSaid(engine: Engine, id: string): Promise<string> {
  const { data } = await engine.agentSessions.turns(ACME, id, { order: 'desc', limit: 1, after: null });
  return textIn(data[0]?.record.progress.output.findLast(item => item.type === 'message'));
}

test('an owner makes two, waits for both, and is told what they said', async () => {
  const made = new World();
  play(made);
  const tools = new TestTools();
  const { engine, reported } = made.boot({ tools: desk(tools) });
  const id = await session(engine, MULTI);
  await becomes(engine, id, 'idle');
  expect(reported).toEqual([]);
  expect((await outcomes(engine, id)).map(one => (one as readonly unknown[]).slice(0, 2))).toEqual([
    ['create_subagent', 'done'],
    ['create_subagent', 'done'],
    ['wait_for_subagents', 'done'],
  ]);
  expect(await lastSaid(engine, id)).toBe(
    'completed alpha: did {"for":"alpha"} | completed beta: did {"for":"beta"}',
  );
});
