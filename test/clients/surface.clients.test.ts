/** What requests ask to see and to have passed on, with the official client, over upstreams of either dialect. */
import type OpenAI from 'openai';
import type { ResponseInput } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

const REASON = 'Think first. [[reasoning: 20]]';
const SEALED = 'reasoning.encrypted_content' as const;
const WEIGHED = 'message.output_text.logprobs' as const;
const IMAGE = 'data:image/png;base64,iVBORw0KGgo=';

describe.each(['openai-responses', 'openai-chat'] as const)('over %s', dialect => {
  let stack: Stack;
  let client: OpenAI;
  beforeAll(async () => {
    stack = await startStack({
      clouds: ['aws'],
      config: emulator => ({ targets: [targetOf(emulator, 'aws', { dialect })] }),
    });
    client = stack.openai();
  });
  afterAll(() => stack.close());
  beforeEach(() => stack.calm());

  const upstreamBody = async (): Promise<{ readonly [name: string]: unknown }> => {
    const last = (await stack.upstream()).at(-1) as unknown as { readonly bodyText: string };
    return JSON.parse(last.bodyText) as { readonly [name: string]: unknown };
  };

  test('marks on parts end the cache of the prompt where they are known; images of the finest detail', async () => {
    const ends = { mode: 'explicit' as const, ttl: '12h' as const };
    const marked = { prompt_cache_breakpoint: ends };
    const parts = [
      { type: 'input_text' as const, text: 'See', ...marked },
      { type: 'input_image' as const, image_url: IMAGE, detail: 'original' as const, ...marked },
      { type: 'input_file' as const, filename: 'a.txt', file_data: 'data:text/plain;base64,YQ==', ...marked },
    ];
    const options = { mode: 'explicit' as const, ttl: '30m' as const };
    const request = { model: MODEL, input: [{ role: 'user' as const, content: parts }], prompt_cache_options: options };
    const made = await client.responses.create(request);
    const sent = JSON.stringify(await upstreamBody());
    const isChat = dialect === 'openai-chat';
    expect(sent.match(/"prompt_cache_breakpoint":\{"mode":"explicit","ttl":"12h"\}/g) ?? []).toHaveLength(
      isChat ? 0 : 3,
    );
    expect(sent).toContain(`"detail":"${isChat ? 'high' : 'original'}"`);
    const passed = isChat ? { ttl: '30m' } : options;
    expect((await upstreamBody())['prompt_cache_options']).toEqual(passed);
    const { data } = await client.responses.inputItems.list(made.id, { include: ['message.input_image.image_url'] });
    expect(data).toMatchObject([{ content: parts }]);
    expect(made.prompt_cache_options).toEqual(options);

    await client.chat.completions.create({
      model: MODEL,
      prompt_cache_options: { mode: 'explicit' },
      messages: [{ role: 'user', content: [{ type: 'text', text: 'See', ...marked }] }],
    });
    const chat = await upstreamBody();
    expect(chat['prompt_cache_options']).toEqual(isChat ? undefined : { mode: 'explicit' });
    expect(JSON.stringify(chat).includes('prompt_cache_breakpoint')).toBe(!isChat);
    // Of what was uploaded too.
    const { id } = await client.files.create({ file: new File(['Facts.'], 'facts.txt'), purpose: 'user_data' });
    const uploaded = { type: 'input_file' as const, file_id: id, ...marked };
    await client.responses.create({ ...request, input: [{ role: 'user', content: [uploaded] }] });
    expect(JSON.stringify(await upstreamBody()).includes('prompt_cache_breakpoint')).toBe(!isChat);
    const wrong = { type: 'input_text' as const, text: 'x', prompt_cache_breakpoint: { mode: 'implicit' } };
    const refused = client.responses.create({ ...request, input: [{ role: 'user', content: [wrong as never] }] });
    expect(await failureOf(refused)).toMatchObject({
      status: 400,
      param: 'input[0].content[0].prompt_cache_breakpoint.mode',
    });
  });

  test('an image that a tool gave reaches the model', async () => {
    const call = { type: 'function_call' as const, call_id: 'call_7', name: 'look', arguments: '{}' };
    const image = { type: 'input_image' as const, image_url: IMAGE, detail: 'low' as const };
    const output = [{ type: 'input_text' as const, text: 'This:' }, image];
    const made = await client.responses.create({
      model: MODEL,
      input: [{ role: 'user', content: 'Look.' }, call, { type: 'function_call_output', call_id: 'call_7', output }],
    });
    expect(made.status).toBe('completed');
    const sent = JSON.stringify(await upstreamBody());
    expect(sent).toContain(IMAGE);
    if (dialect === 'openai-chat') expect(sent).toContain('Attached to the output of the tool call call_7:');
  });

  test.each([undefined, [{ type: 'web_search' as const }]])('a choice among no tools (%j) is none', async tools => {
    const request = { model: MODEL, input: 'Hello.', tool_choice: 'auto' as const, ...(tools && { tools }) };
    expect((await client.responses.create(request)).status).toBe('completed');
  });

  test('each answer tells how long it took', async () => {
    const body = { model: MODEL, input: 'Hello.' };
    for (const more of [{}, { stream: true }, { input: 7 }]) {
      const answer = await stack.request('POST', '/v1/responses', { body: { ...body, ...more } });
      await answer.text();
      expect(answer.headers.get('openai-processing-ms')).toMatch(/^\d+$/);
    }
  });

  test('log probabilities, for who asks', async () => {
    const request = { model: MODEL, input: 'Hello.', top_logprobs: 2, include: [WEIGHED] };
    const made = await client.responses.create(request);
    const part = (response: typeof made) => {
      const [item] = response.output;
      const [content] = item?.type === 'message' ? item.content : [];
      if (content?.type !== 'output_text') throw new Error('no text');
      return content;
    };
    const weights = part(made).logprobs ?? [];
    expect(weights.map(one => one.token).join('')).toBe(made.output_text);
    expect(weights[0]).toMatchObject({ logprob: expect.any(Number), top_logprobs: [{ token: '[' }, { token: 'one' }] });
    expect(part(await client.responses.retrieve(made.id)).logprobs).toEqual([]);
    expect(part(await client.responses.retrieve(made.id, { include: [WEIGHED] })).logprobs).toEqual(weights);
    expect(part(await client.responses.create({ model: MODEL, input: 'Hello.' })).logprobs).toEqual([]);

    const events = await all(await client.responses.create({ ...request, stream: true }));
    const deltas = events.filter(event => event.type === 'response.output_text.delta');
    expect(deltas.flatMap(event => event.logprobs ?? []).map(one => one.token)).toEqual(weights.map(one => one.token));
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error('it did not complete');
    expect(part(last.response).logprobs).toEqual(weights);
    // The stream shows again what it showed; include of the read is for the object.
    expect(await all(await client.responses.retrieve(last.response.id, { stream: true }))).toEqual(events);
  });

  test('padding of deltas, for who asks', async () => {
    const request = { model: MODEL, input: 'Hello.', stream: true as const };
    for (const store of [true, false]) {
      const events = await all(
        await client.responses.create({ ...request, store, stream_options: { include_obfuscation: true } }),
      );
      const deltas = events.filter(event => event.type === 'response.output_text.delta');
      for (const delta of deltas) {
        const { obfuscation } = delta as unknown as { obfuscation: string };
        expect((JSON.stringify(delta.delta).length + obfuscation.length) % 16).toBe(0);
      }
      const plain = await all(await client.responses.create({ ...request, store }));
      expect(JSON.stringify(plain)).not.toContain('obfuscation');
      const last = events.at(-1);
      if (store && last?.type === 'response.completed')
        expect(await all(await client.responses.retrieve(last.response.id, { stream: true }))).toEqual(events);
    }
  });

  test('what image of the input, for who asks', async () => {
    const input: ResponseInput = [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'See.' },
          { type: 'input_image', image_url: IMAGE, detail: 'low' },
        ],
      },
    ];
    const { id } = await client.responses.create({ model: MODEL, input });
    const image = async (include?: 'message.input_image.image_url'): Promise<unknown> => {
      const { data } = await client.responses.inputItems.list(id, include === undefined ? {} : { include: [include] });
      return (data[0] as { content: unknown[] }).content[1];
    };
    expect(await image()).toEqual({ type: 'input_image', image_url: null, detail: 'low' });
    expect(await image('message.input_image.image_url')).toEqual({
      type: 'input_image',
      image_url: IMAGE,
      detail: 'low',
    });
    // The model saw it, now and in a later turn.
    await client.responses.create({ model: MODEL, input: 'Again.', previous_response_id: id });
    expect(JSON.stringify(await upstreamBody())).toContain(IMAGE);
  });

  test('the service tier that was used, and hints that are passed on', async () => {
    const hints = {
      service_tier: 'flex' as const,
      prompt_cache_key: 'k',
      prompt_cache_retention: '24h' as const,
      prompt_cache_options: { mode: 'implicit' as const, ttl: '30m' as const },
      safety_identifier: 's',
      user: 'u',
    };
    for (const store of [true, false]) {
      const made = await client.responses.create({ model: MODEL, input: 'Hello.', store, ...hints });
      expect(made).toMatchObject(hints);
      const { user, ...passed } = hints;
      expect(await upstreamBody()).toMatchObject(passed);
      if (store) expect(await client.responses.retrieve(made.id)).toMatchObject({ ...hints, user });
      expect(
        await client.responses.create({ model: MODEL, input: 'Hello.', store, service_tier: 'auto' }),
      ).toMatchObject({
        service_tier: 'default',
      });
    }
  });

  test('tools that are not here are skipped, with a note', async () => {
    const body = {
      model: MODEL,
      input: 'Hello.',
      tools: [
        { type: 'web_search' },
        { type: 'namespace', name: 'n', description: 'd', tools: [{ type: 'mcp' }] },
        { type: 'tool_search', execution: 'client' },
        { type: 'local_shell' },
      ],
      client_metadata: { a: 'b' },
    };
    for (const more of [{}, { store: false }, { stream: true }, { store: false, stream: true }]) {
      const response = await stack.request('POST', '/v1/responses', { body: { ...body, ...more } });
      expect(response.status).toBe(200);
      expect(response.headers.get('perdure-skipped-tools')).toBe(
        'web_search, mcp, namespace, tool_search, local_shell',
      );
      await response.text();
      expect(await upstreamBody()).not.toHaveProperty('tools');
    }
    const without = await stack.request('POST', '/v1/responses', { body: { model: MODEL, input: 'Hello.' } });
    expect(without.headers.get('perdure-skipped-tools')).toBeNull();
    await without.text();
  });

  test('chat: log probabilities, padding, tier and hints', async () => {
    const request = { model: MODEL, messages: [{ role: 'user' as const, content: 'Hello.' }] };
    const weighed = { ...request, logprobs: true, top_logprobs: 1, service_tier: 'priority' as const, store: true };
    const { choices, service_tier } = await client.chat.completions.create(weighed);
    const tokens = choices[0]?.logprobs?.content ?? [];
    expect(tokens.map(one => one.token).join('')).toBe(choices[0]?.message.content);
    expect(tokens[0]?.top_logprobs).toHaveLength(1);
    expect(service_tier).toBe('priority');
    const chunks = await all(
      await client.chat.completions.create({ ...weighed, stream: true, stream_options: { include_obfuscation: true } }),
    );
    expect(chunks.flatMap(chunk => chunk.choices[0]?.logprobs?.content ?? [])).toEqual(tokens);
    expect(chunks.filter(chunk => 'obfuscation' in chunk).length).toBe(tokens.length);
    expect(chunks.at(-1)?.service_tier).toBe('priority');
    const plain = await client.chat.completions.create({
      ...request,
      prediction: { type: 'content', content: 'Hi.' },
      user: 'u',
    });
    expect(plain.choices[0]?.logprobs).toBeNull();
    for (const more of [
      { moderation: { model: 'm' } },
      { audio: { voice: 'alloy', format: 'wav' as const } },
      { web_search_options: {} },
    ]) {
      expect(await failureOf(client.chat.completions.create({ ...request, ...more }))).toMatchObject({
        status: 400,
        code: 'unsupported_parameter',
        param: Object.keys(more)[0],
      });
    }
  });

  if (dialect === 'openai-chat') return;

  test('sealed reasoning: shown to who asks, kept for the next turn all the same', async () => {
    const sealOf = (output: readonly unknown[]): unknown =>
      (output as { type: string; encrypted_content?: string }[]).find(item => item.type === 'reasoning')
        ?.encrypted_content;
    const request = { model: MODEL, input: REASON, reasoning: { effort: 'low' as const } };
    const shown = await client.responses.create({ ...request, include: [SEALED] });
    expect(sealOf(shown.output)).toEqual(expect.any(String));
    const hidden = await client.responses.create(request);
    expect(hidden.output.map(item => item.type)).toEqual(['reasoning', 'message']);
    expect(sealOf(hidden.output)).toBeUndefined();
    expect(sealOf((await client.responses.retrieve(hidden.id)).output)).toBeUndefined();
    const seal = sealOf((await client.responses.retrieve(hidden.id, { include: [SEALED] })).output);
    expect(seal).toEqual(expect.any(String));
    await client.responses.create({ model: MODEL, input: 'And?', previous_response_id: hidden.id });
    expect(await upstreamBody()).toMatchObject({
      input: [{}, { type: 'reasoning', encrypted_content: seal }, {}, {}],
    });

    for (const include of [[SEALED], []]) {
      const events = await all(await client.responses.create({ ...request, include, stream: true }));
      expect(JSON.stringify(events).includes('encrypted_content')).toBe(include.length > 0);
      const last = events.at(-1);
      if (last?.type !== 'response.completed') throw new Error('it did not complete');
      expect(await all(await client.responses.retrieve(last.response.id, { stream: true }))).toEqual(events);
    }
  });

  test('sealed reasoning there and back, without a store', async () => {
    const first = await client.responses.create({ model: MODEL, input: REASON, store: false, include: [SEALED] });
    expect(await upstreamBody()).toMatchObject({ include: [SEALED], store: false });
    const seal = (first.output[0] as { encrypted_content?: string }).encrypted_content;
    expect(seal).toEqual(expect.any(String));
    const again = await client.responses.create({
      model: MODEL,
      store: false,
      input: [{ role: 'user', content: REASON }, ...(first.output as ResponseInput), { role: 'user', content: 'And?' }],
    });
    expect(again.status).toBe('completed');
    expect(await upstreamBody()).toMatchObject({ input: [{}, { type: 'reasoning', encrypted_content: seal }, {}, {}] });
  });

  test('in a conversation, items are shown as asked for', async () => {
    const conversation = await client.conversations.create();
    await client.responses.create({
      model: MODEL,
      input: REASON,
      reasoning: { effort: 'low' },
      conversation: conversation.id,
    });
    const list = async (include: (typeof SEALED)[]) =>
      (await client.conversations.items.list(conversation.id, { include })).data.find(
        item => item.type === 'reasoning',
      );
    const item = await list([]);
    expect(item).not.toHaveProperty('encrypted_content');
    expect(await list([SEALED])).toHaveProperty('encrypted_content');
    const one = { conversation_id: conversation.id };
    expect(await client.conversations.items.retrieve(item?.id ?? '', one)).not.toHaveProperty('encrypted_content');
    expect(await client.conversations.items.retrieve(item?.id ?? '', { ...one, include: [SEALED] })).toHaveProperty(
      'encrypted_content',
    );
  });
});
