/** A turn runs what it began with, also where it waits, or its process dies, and the session is changed meanwhile. */
import { parseInputEvents, parseUpdateSession } from '@perdure/protocol';
import { expect, test } from 'vitest';
import type { Engine } from '../engine.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { becomes, calls, desk, session, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, World } from '../world.test-support.ts';

const fn = (name: string): object => ({ type: 'function', name, description: name, parameters: { type: 'object' } });

async function post(engine: Engine, id: string, event: object): Promise<void> {
  const parsed = parseInputEvents({ events: [event] });
  if (!parsed.ok) throw parsed.error;
  await engine.agentSessions.post(ACME, id, parsed.value.events, null);
}

test.each([false, true])('the server starts anew meanwhile: %s', async anew => {
  const world = new World();
  world.provider.inTurn(
    () => batches(calls(['look', '{}'])),
    () => batches(calls(['look', '{"again":true}'])),
    () => batches(message('Seen.')),
  );
  const first = world.boot({ tools: desk(new TestTools()) }).engine;
  const id = await session(first, { agent: { model: 'gpt', tools: [fn('look')] } });
  await becomes(first, id, 'requires_action');
  const change = parseUpdateSession({ agent: { tools: [fn('listen')] } });
  if (!change.ok) throw change.error;
  await first.agentSessions.update(ACME, id, change.value);
  if (anew) world.pass(60_000);
  const engine = anew ? world.boot({ tools: desk(new TestTools()) }).engine : first;
  if (anew) await engine.recover();
  for (const callId of ['call_look_0', 'call_look_0']) {
    const { turn } = await engine.agentSessions.view(ACME, id);
    const result = {
      type: 'agent.session.input.tool_result',
      turn_id: turn,
      call_id: callId,
      success: true,
      output: 'x',
    };
    await post(engine, id, result);
    await becomes(engine, id, 'idle', 'requires_action');
  }
  await becomes(engine, id, 'idle');
  const offered = (n: number): string => JSON.stringify(world.provider.calls.at(n)?.settings.tools);
  // Its second call was made: what the turn began with is there still.
  expect([offered(1), offered(2)].map(tools => [tools.includes('"look"'), tools.includes('"listen"')])).toEqual([
    [true, false],
    [true, false],
  ]);
  const say = { role: 'user', content: [{ type: 'input_text', text: 'And now?' }] };
  await post(engine, id, { type: 'agent.session.input.message', input: [say] });
  await becomes(engine, id, 'idle');
  expect([offered(-1).includes('"look"'), offered(-1).includes('"listen"')]).toEqual([false, true]);
});
