/** The turns of agents have routes of their own: as responses they do not exist, on any verb. */
import { expect, test } from 'vitest';
import { batches, type CallScript, message } from '../scripted-provider.test-support.ts';
import { becomes, calls, desk, session, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, ask, type Booted, codeOf, read, until, World } from '../world.test-support.ts';

const says: CallScript = () => batches(message('Done.'));

async function verbs({ engine }: Booted, id: string): Promise<readonly (string | null)[]> {
  const replay = async (): Promise<unknown> => read(await engine.stream(ACME, id, -1));
  return Promise.all([
    codeOf(engine.response(ACME, id)),
    codeOf(replay()),
    codeOf(engine.inputItems(ACME, id)),
    codeOf(engine.cancelResponse(ACME, id)),
    codeOf(engine.deleteResponse(ACME, id)),
    codeOf(ask(engine, { previous_response_id: id })),
  ]);
}
const NOTHING = [...Array.from({ length: 5 }, () => 'response_not_found'), 'previous_response_not_found'];

test.each(['ended', 'failed', 'waits', 'runs'])('a turn that %s', async how => {
  const made = new World();
  const forever: CallScript = async function* () {
    yield [];
    await new Promise(() => undefined);
  };
  const rejects: CallScript = () => {
    throw Object.assign(new Error('no'), {
      providerError: 'upstream_rejected',
      retryable: false,
      retryAfterMs: null,
      status: 400,
      param: null,
      requestId: null,
    });
  };
  const asks: CallScript = () => batches(calls(['once', '{}']));
  made.provider.follow({ ended: says, failed: rejects, waits: asks, runs: forever }[how] ?? says);
  const booted = made.boot({ tools: desk(new TestTools(), () => 'ask') });
  const id = await session(booted.engine);
  if (how === 'runs') await until(() => made.provider.calls.length === 1, 'the model is asked');
  else await becomes(booted.engine, id, how === 'waits' ? 'requires_action' : 'idle');
  const { data } = await booted.engine.agentSessions.turns(ACME, id, { order: 'asc', limit: 1, after: null });
  const response = data[0]?.row.id ?? '';
  expect(await verbs(booted, response)).toEqual(NOTHING);
  // None of it did anything to the session.
  expect(
    (await booted.engine.agentSessions.turns(ACME, id, { order: 'asc', limit: 9, after: null })).data,
  ).toHaveLength(1);
  const item = data[0]?.record.input[0]?.id ?? '';
  expect(await codeOf(ask(booted.engine, { input: [{ type: 'item_reference', id: item }] }))).toBe('item_not_found');
  if (how === 'runs') await booted.engine.agentSessions.post(ACME, id, [{ type: 'agent.session.input.cancel' }], null);
});
