/** Tools in namespaces with the official clients, over upstreams of either dialect: a call comes back with both its names. */
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool, toolNamespace } from '@openai/agents';
import type OpenAI from 'openai';
import type { Response, ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

const find = {
  type: 'function' as const,
  name: 'find',
  description: 'Finds a customer.',
  parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
  strict: false,
};
const note = { type: 'custom' as const, name: 'note', format: { type: 'text' as const } };
const crm = { type: 'namespace' as const, name: 'crm', description: 'Customers.', tools: [find, note] };
/** It has the name of one in the namespace. */
const alone = { ...find, description: null };
const tools = [alone, crm];

describe.each(['openai-responses', 'openai-chat'] as const)('over %s', dialect => {
  let stack: Stack;
  let client: OpenAI;
  beforeAll(async () => {
    setTracingDisabled(true);
    stack = await startStack({
      clouds: ['aws'],
      config: emulator => ({ targets: [targetOf(emulator, 'aws', { dialect })] }),
    });
    client = stack.openai();
  });
  afterAll(() => stack.close());

  /** What the emulated model reads as the name of `find` in the namespace: it knows both names of a tool, or one. */
  const FIND = dialect === 'openai-chat' ? 'crm__find' : 'find';
  const ask = (more: Partial<ResponseCreateParamsNonStreaming> = {}): Promise<Response> =>
    client.responses.create({ model: MODEL, input: `Use ${FIND} {"id":"7"}.`, tools: [crm], ...more });
  const found = { type: 'function_call', namespace: 'crm', name: 'find', arguments: '{"id":"7"}' };

  test.each([true, false])('a call, its output, and what is read of it afterwards (store: %s)', async store => {
    const first = await ask({ store });
    expect(first.tools).toEqual([crm]);
    expect(first.output).toMatchObject([found]);
    const [call] = first.output;
    if (call?.type !== 'function_call') throw new Error('a call was asked for');
    const output = { type: 'function_call_output' as const, call_id: call.call_id, output: 'Ada.' };
    const second = await client.responses.create(
      store
        ? { model: MODEL, previous_response_id: first.id, input: [output], tools: [crm] }
        : { model: MODEL, store, input: [{ role: 'user', content: 'Find 7.' }, call, output], tools: [crm] },
    );
    expect(second.output_text).toContain('Ada.');
    const last = (await stack.upstream()).at(-1) as unknown as { readonly bodyText: string };
    const sent = JSON.parse(last.bodyText) as { [key: string]: unknown };
    const [asked] =
      dialect === 'openai-chat'
        ? (sent['messages'] as { tool_calls?: unknown[] }[]).flatMap(message => message.tool_calls ?? [])
        : (sent['input'] as { type: string }[]).filter(item => item.type === 'function_call');
    const names = { namespace: 'crm', name: 'find' };
    expect(asked).toMatchObject(dialect === 'openai-chat' ? { function: { name: 'crm__find' } } : names);
    if (!store) return;
    expect((await client.responses.retrieve(first.id)).output).toEqual(first.output);
    const { data } = await client.responses.inputItems.list(second.id, { order: 'asc' });
    expect(data.find(item => item.type === 'function_call') ?? found).toMatchObject(names);
  });

  test('streamed, the item has its namespace from its beginning, and again when the stream is read again', async () => {
    const events = await all(
      await client.responses.create({ model: MODEL, input: `Use ${FIND} {"id":"7"}.`, tools: [crm], stream: true }),
    );
    const items = events.filter(
      event => event.type === 'response.output_item.added' || event.type === 'response.output_item.done',
    );
    expect(items.map(event => event.item)).toMatchObject([{ ...found, arguments: '' }, found]);
    const [begun] = events;
    if (begun?.type !== 'response.created') throw new Error('a response was begun');
    expect(await all(await client.responses.retrieve(begun.response.id, { stream: true }))).toEqual(events);
  });

  test('custom tools are in namespaces too', async () => {
    const name = dialect === 'openai-chat' ? 'crm__note' : 'note';
    const { output } = await ask({ input: `Use ${name} \`hello\`.` });
    expect(output).toMatchObject([{ type: 'custom_tool_call', namespace: 'crm', name: 'note', input: 'hello' }]);
  });

  test('a choice names one as "namespace.name", or all by the namespace', async () => {
    const choose = (tool_choice: unknown): Promise<Response> =>
      ask({ tools, input: 'Do.', tool_choice: tool_choice as 'auto' });
    expect((await choose({ type: 'function', name: 'crm.find' })).output).toMatchObject([
      { ...found, arguments: expect.any(String) },
    ]);
    expect((await choose({ type: 'function', namespace: 'crm', name: 'find' })).tool_choice).toEqual({
      type: 'function',
      name: 'crm.find',
    });
    const allowed = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'namespace', name: 'crm' }] };
    const all = await choose(allowed);
    expect(all.output).toMatchObject([{ namespace: 'crm', name: 'find' }]);
    expect(all.tool_choice).toEqual(allowed);
    const [own] = (await choose({ type: 'function', name: 'find' })).output;
    expect(own).not.toHaveProperty('namespace');
    expect(await failureOf(choose({ type: 'function', name: 'crm.lose' }))).toMatchObject({
      status: 400,
      param: 'tool_choice',
    });
  });

  test('the Agents SDK runs what is in a namespace', async () => {
    const ran: string[] = [];
    const lookup = tool({
      name: 'lookup',
      description: 'Looks a customer up.',
      parameters: z.object({ id: z.string() }),
      execute: ({ id }) => {
        ran.push(id);
        return `${id} is Ada.`;
      },
    });
    const space = toolNamespace({ name: 'crm', description: 'Customers.', tools: [lookup] });
    const agent = new Agent({ name: 'clerk', instructions: 'Answer briefly.', tools: [...space] });
    const runner = new Runner({
      modelProvider: new OpenAIProvider({ openAIClient: stack.openai(), useResponses: true }),
      model: MODEL,
    });
    const name = dialect === 'openai-chat' ? 'crm__lookup' : 'lookup';
    const result = await runner.run(agent, `Use ${name} {"id":"7"}.`);
    expect(ran).toEqual(['7']);
    expect(result.finalOutput).toContain('7 is Ada.');
  });
});
