/** An output is of its call's kind, wherever the call was made. */
import type { InputItem } from '@perdure/protocol';
import { parseCompactResponse } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import { batches, functionCall, message } from './scripted-provider.test-support.ts';
import { ACME, ask, type Booted, request, World } from './world.test-support.ts';

const output = (kind: string, call_id = 'c1'): InputItem =>
  ({ type: `${kind}_output`, call_id, output: 'done' }) as unknown as InputItem;
const WRONG = {
  code: 'tool_call_not_found',
  message: 'No tool call found for custom tool call output with call_id c1.',
};

/** A response that calls a function and waits for its output. */
async function called(fields: { readonly [name: string]: unknown } = {}): Promise<{ booted: Booted; id: string }> {
  const world = new World();
  world.provider.inTurn(
    () => batches(functionCall('c1')),
    () => batches(message('Thanks')),
  );
  const booted = world.boot();
  const { id, done } = await ask(booted.engine, fields);
  await done;
  return { booted, id };
}

const signal = new AbortController().signal;

describe('the call was made in the turn before', () => {
  test('a stored response', async () => {
    const { booted, id } = await called();
    const next = (kind: string) => ask(booted.engine, { previous_response_id: id, input: [output(kind)] });
    await expect(next('custom_tool_call')).rejects.toMatchObject({ ...WRONG, param: 'input' });
    expect((await (await next('function_call')).done).status).toBe('completed');
  });

  test('a stored response of which this process knows nothing yet', async () => {
    const world = new World();
    world.provider.follow(() => batches(functionCall('c1')));
    const { id, done } = await ask(world.boot().engine);
    await done;
    world.pass(60_000);
    const next = ask(world.boot().engine, { previous_response_id: id, input: [output('custom_tool_call')] });
    await expect(next).rejects.toMatchObject(WRONG);
  });

  test('a call that is kept nowhere', async () => {
    const { booted, id } = await called();
    const next = (kind: string) =>
      booted.engine.stateless({
        caller: ACME,
        request: request({ store: false, previous_response_id: id, input: [output(kind)] }),
        extra: {},
        labels: [],
        signal,
      });
    await expect(next('custom_tool_call')).rejects.toMatchObject({ ...WRONG, param: 'input' });
    await (await next('function_call')).answer();
  });

  test.each([true, false])('a compaction, stored: %s', async store => {
    const { booted, id } = await called();
    const next = (kind: string) => {
      const parsed = parseCompactResponse({ model: 'gpt', store, previous_response_id: id, input: [output(kind)] });
      if (!parsed.ok) throw parsed.error;
      return booted.engine.compact({ caller: ACME, request: parsed.value, labels: [], signal });
    };
    await expect(next('custom_tool_call')).rejects.toMatchObject({ ...WRONG, param: 'input' });
    await next('function_call');
  });

  test('a conversation, whose items have another name', async () => {
    const world = new World();
    world.provider.follow(() => batches(functionCall('c1')));
    const { engine } = world.boot();
    const { id } = await engine.conversations.create(ACME, [], {});
    await (await ask(engine, { conversation: id })).done;
    // Another process, which has not read it.
    world.pass(60_000);
    const { conversations: next } = world.boot().engine;
    await expect(next.addItems(ACME, id, [output('custom_tool_call')])).rejects.toMatchObject({
      ...WRONG,
      param: 'items',
    });
    await expect(next.addItems(ACME, id, [output('function_call', 'c2')])).rejects.toMatchObject({ param: 'items' });
    expect(await next.addItems(ACME, id, [output('function_call')])).toHaveLength(1);
    const orphan = next.create(ACME, [output('function_call')], {});
    await expect(orphan).rejects.toMatchObject({ code: 'tool_call_not_found', param: 'items' });
  });
});

test('an id that is given again to another kind of call is that of the later one', async () => {
  const { booted, id } = await called();
  const custom = { type: 'custom_tool_call', call_id: 'c1', name: 'look', input: '{}' } as unknown as InputItem;
  const input = [output('function_call'), custom, output('custom_tool_call')];
  const next = await ask(booted.engine, { previous_response_id: id, input });
  expect((await next.done).status).toBe('completed');
});
