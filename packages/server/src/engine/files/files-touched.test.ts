/** What counts as a file that a session touched: said in the heads of events, folded by the reducer, the same after a restart. */
import { describe, expect, test } from 'vitest';
import type { SessionId } from '../../kernel/ids.ts';
import type { SessionUse } from '../../session/state.ts';
import { stateIn } from '../../session/project.ts';
import { environmentOf, follows, has, NO_INPUT, ToldWorld } from '../environments/told-world.test-support.ts';
import { NO_HOST } from '../agent-sessions/host.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { becomes, calls, desk, session, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, ask, type Booted, World } from '../world.test-support.ts';
import { DeskInMemory } from './desk.test-support.ts';
import { filesIn } from './parts.ts';

async function useOf({ stores }: Booted, id: string): Promise<SessionUse | undefined> {
  const [store] = stores;
  const response = await store?.response(ACME.tenant, id as never, 'deleted-too');
  const row = await store?.session(ACME.tenant, response?.session ?? (id as SessionId));
  return row == null ? undefined : stateIn(row)?.use;
}

const user = (...content: readonly object[]) => ({ type: 'message', role: 'user', content });
const INLINE = { type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,YQ==' };
const IMAGE = 'data:image/png;base64,iVBORw0KGgo=';

describe('the parts of items that are files', () => {
  test.each([
    ['a file by its id', user({ type: 'input_file', file_id: 'file-1' }), 1],
    ['a file that comes with the request', user(INLINE), 1],
    ['a file at an address', user({ type: 'input_file', file_url: 'https://a.example/x' }), 1],
    ['an image that is a file', user({ type: 'input_image', file_id: 'file-1' }), 1],
    ['an image that comes with the request', user({ type: 'input_image', image_url: IMAGE }), 0],
    ['an image at an address', user({ type: 'input_image', image_url: 'https://a.example/x.png' }), 0],
    ['text', user({ type: 'input_text', text: 'a' }), 0],
    ['text that is no list', { type: 'message', role: 'user', content: 'input_file' }, 0],
    ['the same file twice', user({ type: 'input_file', file_id: 'f' }, { type: 'input_file', file_id: 'f' }), 2],
    ['a tool result with a file', { type: 'function_call_output', output: [{ type: 'input_file', file_id: 'f' }] }, 1],
    ['a part that is none', user(null as never, 'x' as never), 0],
  ])('%s: %#', (_, item, files) => {
    expect(filesIn([item])).toEqual(files === 0 ? {} : { files });
    expect(filesIn([item, item])).toEqual(files === 0 ? {} : { files: 2 * files });
  });
});

describe('told by the log', () => {
  test('the files of an input, of items that are added to a conversation, and none of a text', async () => {
    const world = new World({ files: new DeskInMemory() });
    const booted = world.boot();
    const { engine } = booted;
    const plain = await ask(engine);
    await plain.done;
    expect(await useOf(booted, plain.id)).toMatchObject({ turns: 1, filesTouched: 0 });
    const one = await ask(engine, { input: [user(INLINE, INLINE)] });
    await one.done;
    expect(await useOf(booted, one.id)).toMatchObject({ turns: 1, filesTouched: 2 });
    const next = await ask(engine, { previous_response_id: one.id, input: [user(INLINE)] });
    await next.done;
    expect(await useOf(booted, next.id)).toMatchObject({ turns: 2, filesTouched: 3 });
    const made = await engine.conversations.create(ACME, [user(INLINE) as never], {});
    expect(await useOf(booted, made.id.replace('conv_', 'sess_'))).toMatchObject({ turns: 0, filesTouched: 1 });
    // Another process reads the same.
    const again = world.boot();
    expect(await useOf(again, next.id)).toEqual(await useOf(booted, next.id));
  });

  test('files that a tool says it read or wrote, and what a turn left behind', async () => {
    const world = new World();
    const tools = new TestTools();
    const agentHost = { ...NO_HOST, environment: async () => ({ type: 'openai_hosted', id: 'env_1' }) };
    const booted = world.boot({ tools: desk(tools), agentHost: { ...agentHost, ending: async () => 2 } });
    world.provider.inTurn(
      () => batches(calls(['safe', '{}'], ['once', '{}'])),
      () => batches(message('Done.')),
    );
    tools.act = async (_, name) => ({ ok: true, output: 'done', ...(name === 'safe' && { files: 3 }) });
    const id = await session(booted.engine, { environment: { type: 'openai_hosted' } });
    await becomes(booted.engine, id, 'idle');
    expect(await useOf(booted, id)).toMatchObject({ toolsRun: 2, filesTouched: 5 });
  });

  test('files that were given with an environment, once it is made, and not again', async () => {
    const told = new ToldWorld();
    try {
      const booted = told.boot();
      const { engine } = booted;
      const file = (path: string) => ({ type: 'inline', path: `/workspace/${path}`, data: 'YQ==' });
      const environment = { type: 'openai_hosted', files: [file('a'), file('b')] };
      const id = await session(engine, { environment, ...NO_INPUT });
      await follows(engine, id, has('agent.session.environment.ready'));
      expect(await useOf(booted, id)).toMatchObject({ turns: 0, filesTouched: 2 });
      expect(await environmentOf(engine, id)).toMatch(/^env_/);
      const bare = await session(engine, { environment: { type: 'openai_hosted' }, ...NO_INPUT });
      await follows(engine, bare, has('agent.session.environment.ready'));
      expect(await useOf(booted, bare)).toMatchObject({ filesTouched: 0 });
    } finally {
      told.workspaces.remove();
    }
  });
});
