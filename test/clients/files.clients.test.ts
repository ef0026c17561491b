/** `/v1/files` and what inputs attach, by the official client against a real server. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenAI, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';
import { otherId } from '../support/other-id.ts';

const FACT = 'The lighthouse of Perdure was painted green in 1902.';
const QUESTION = 'Which colour was the lighthouse painted?';
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

let pages: Server;
let origin = '';
let fetched: string[] = [];
let body: string = FACT;
let stack: Stack;
let client: OpenAI;

beforeAll(async () => {
  pages = createServer((req, res) => {
    fetched.push(req.url ?? '');
    if (req.url === '/away') return void res.writeHead(302, { location: 'http://169.254.169.254/latest' }).end();
    if (req.url === '/moved') return void res.writeHead(302, { location: '/note.txt' }).end();
    if (req.url === '/dot.png') return void res.writeHead(200, { 'content-type': 'image/png' }).end(PNG);
    if (req.url === '/gone') return void res.writeHead(404).end();
    res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
  });
  await new Promise<void>(resolve => pages.listen(0, '127.0.0.1', resolve));
  const { port } = pages.address() as AddressInfo;
  origin = `http://127.0.0.1:${port}`;
  stack = await startStack({
    clouds: ['azure', 'aws'],
    config: emulator => ({
      targets: [targetOf(emulator, 'azure'), targetOf(emulator, 'aws', { model: 'talker', dialect: 'openai-chat' })],
      egress: { mode: 'allow-list', hosts: [`127.0.0.1:${port}`], private_hosts: [`127.0.0.1:${port}`] },
      limits: { file_bytes: 5_000_000, tenant_file_bytes: 9_000_000, attached_bytes: 1_000_000, file_sweep_ms: 50 },
    }),
  });
  client = stack.openai();
});
afterAll(async () => {
  await stack.close();
  await new Promise(resolve => pages.close(resolve));
});

const note = (text: string = FACT, name = 'note.txt') => toFile(Buffer.from(text), name, { type: 'text/plain' });
const asking = (part: object) =>
  ({
    role: 'user',
    content: [{ type: 'input_text', text: QUESTION }, part],
  }) as OpenAI.Responses.ResponseInputItem;
const lastUpstream = async (): Promise<string> => JSON.stringify((await stack.upstream()).at(-1));
const blobFiles = (): readonly string[] =>
  readdirSync(join(stack.data, 'blobs'), { recursive: true, withFileTypes: true })
    .filter(one => one.isFile())
    .map(({ name }) => name);

describe('the Files API', () => {
  test('a file is created from a File, a Buffer and a stream, read back, listed and deleted', async () => {
    const made = await client.files.create({ file: new File([FACT], 'färbe.txt'), purpose: 'user_data' });
    expect(made).toMatchObject({
      object: 'file',
      bytes: Buffer.byteLength(FACT),
      filename: 'färbe.txt',
      purpose: 'user_data',
      status: 'processed',
    });
    expect(made.id).toMatch(/^file-/);
    expect(made).not.toHaveProperty('expires_at');

    const large = Buffer.alloc(4 * 1024 * 1024 + 17, 'abcdefg');
    const path = join(stack.data, 'upload.bin');
    writeFileSync(path, large);
    const streamed = await client.files.create({
      file: createReadStream(path),
      purpose: 'assistants',
      expires_after: { anchor: 'created_at', seconds: 3600 },
    });
    expect(streamed.expires_at).toBe(streamed.created_at + 3600);
    expect(Buffer.from(await (await client.files.content(streamed.id)).arrayBuffer()).equals(large)).toBe(true);
    expect(await client.files.retrieve(made.id)).toEqual(made);
    const content = await client.files.content(made.id);
    expect(content.headers.get('openai-processing-ms')).toMatch(/^\d+$/);
    expect(await content.text()).toBe(FACT);
    expect(content.headers.get('x-content-type-options')).toBe('nosniff');

    const all: string[] = [];
    for await (const file of client.files.list({ limit: 1, order: 'asc' })) all.push(file.id);
    expect(all).toEqual([made.id, streamed.id]);
    expect((await client.files.list({ purpose: 'assistants' })).data.map(({ id }) => id)).toEqual([streamed.id]);
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([streamed.id, made.id]);

    for (const { id } of [made, streamed]) {
      expect(await client.files.delete(id)).toEqual({ id, object: 'file', deleted: true });
      expect(await failureOf(client.files.retrieve(id))).toMatchObject({ status: 404, code: 'file_not_found' });
      expect(await failureOf(client.files.content(id))).toMatchObject({ status: 404, code: 'file_not_found' });
      expect(await failureOf(client.files.delete(id))).toMatchObject({ status: 404, code: 'file_not_found' });
    }
    expect((await client.files.list()).data).toEqual([]);
    // No byte is left of them, nor a name: erasures that follow one another are scrubbed together, within a second.
    expect(blobFiles()).toEqual([]);
    const telling = (): readonly string[] =>
      readdirSync(stack.data).filter(
        name => name.startsWith('local.db') && readFileSync(join(stack.data, name)).includes('färbe.txt'),
      );
    await expect.poll(telling, { timeout: 5000 }).toEqual([]);
  });

  test('its placement is named, and says where it lies', async () => {
    const { data: file, response } = await client.files
      .create({ file: await note(), purpose: 'user_data' })
      .withResponse();
    const id = response.headers.get('perdure-placement') ?? '';
    const placement = (await (await stack.request('GET', `/perdure/v1/placements/${id}`)).json()) as object;
    expect(placement).toMatchObject({ object: 'perdure.placement', action: 'place_state', home: 'local' });
    await client.files.delete(file.id);
  });

  test('bounds hold from both sides', async () => {
    const sized = (bytes: number) => toFile(Buffer.alloc(bytes, 'x'), 'x.txt');
    const full = await client.files.create({ file: await sized(5_000_000), purpose: 'user_data' });
    expect(full.bytes).toBe(5_000_000);
    expect(await failureOf(client.files.create({ file: await sized(5_000_001), purpose: 'user_data' }))).toMatchObject({
      status: 413,
      code: 'file_too_large',
      param: 'file',
    });
    expect(await failureOf(client.files.create({ file: await sized(4_000_001), purpose: 'user_data' }))).toMatchObject({
      status: 403,
      code: 'file_quota_exceeded',
    });
    const rest = await client.files.create({ file: await sized(4_000_000), purpose: 'user_data' });
    for (const { id } of [full, rest]) await client.files.delete(id);
    expect(blobFiles()).toEqual([]);
    expect(await failureOf(client.files.create({ file: await sized(0), purpose: 'user_data' }))).toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
  });

  test('a form that is none, or says what is not taken, is refused with its field', async () => {
    const send = async (form: FormData): Promise<unknown> => {
      const answer = await stack.wire.fetch(`${stack.url}/v1/files`, { method: 'POST', body: form });
      const { error } = (await answer.json()) as { error: { code: string; param: string | null } };
      return `${answer.status} ${error.code} ${error.param}`;
    };
    const form = (fields: { readonly [name: string]: string | Blob }): FormData => {
      const made = new FormData();
      for (const [name, value] of Object.entries(fields)) made.append(name, value);
      return made;
    };
    const file = new File([FACT], 'a.txt');
    expect(await send(form({ purpose: 'user_data' }))).toBe('400 invalid_request file');
    expect(await send(form({ file }))).toBe('400 invalid_request purpose');
    expect(await send(form({ file, purpose: 'fine-tune' }))).toBe('400 unsupported_parameter purpose');
    expect(await send(form({ other: file, purpose: 'user_data' }))).toBe('400 invalid_request file');
    expect(await send(form({ file, more: file, purpose: 'user_data' }))).toBe('400 invalid_request file');
    expect(await send(form({ file, purpose: 'vision' }))).toBe('400 file_type_not_allowed file');
    expect(await send(form({ file, purpose: 'user_data', x: 'y'.repeat(1_025) }))).toBe('400 invalid_request null');
    expect(await send(form({ file: new File([FACT], 'n'.repeat(257)), purpose: 'user_data' }))).toBe(
      '400 invalid_request file',
    );
    expect((await stack.request('POST', '/v1/files', { body: {} })).status).toBe(415);
    expect((await client.files.list()).data).toEqual([]);
    expect(blobFiles()).toEqual([]);
  });

  test('an upload that breaks off leaves nothing', async () => {
    const boundary = 'cut';
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n${FACT}`;
    const answer = await stack.wire.fetch(`${stack.url}/v1/files`, {
      method: 'POST',
      body: head,
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    });
    expect(answer.status).toBe(400);
    expect(blobFiles()).toEqual([]);
    expect((await client.files.list()).data).toEqual([]);
  });
});

describe('files in an input', () => {
  test('a text file by its id is read by the model, in later turns too, and the log keeps its id alone', async () => {
    const file = await client.files.create({ file: await note(), purpose: 'user_data' });
    const first = await client.responses.create({
      model: MODEL,
      input: [asking({ type: 'input_file', file_id: file.id })],
    });
    expect(first.output_text).toContain('painted green');
    const items = await client.responses.inputItems.list(first.id);
    expect(JSON.stringify(items.data)).toContain(file.id);
    expect(JSON.stringify(items.data)).not.toContain(Buffer.from(FACT).toString('base64'));
    const next = { model: MODEL, previous_response_id: first.id, input: 'In which year was the lighthouse painted?' };
    expect((await client.responses.create(next)).output_text).toContain('1902');
    expect(await lastUpstream()).toContain(Buffer.from(FACT).toString('base64'));
    await stack.restart();
    client = stack.openai();
    expect((await client.responses.create({ ...next, previous_response_id: first.id })).output_text).toContain('1902');

    await client.files.delete(file.id);
    await stack.calm();
    const after = await client.responses.create(next);
    expect(after.status).toBe('completed');
    expect(await lastUpstream()).toContain(`The file ${file.id} is not there any more`);
    expect(await lastUpstream()).not.toContain(Buffer.from(FACT).toString('base64'));
    await client.responses.delete(first.id);
  });

  test('an image and a file by id reach either dialect, stored or not, and in chat', async () => {
    const text = await client.files.create({ file: await note(), purpose: 'user_data' });
    const image = await client.files.create({ file: await toFile(PNG, 'dot.png'), purpose: 'vision' });
    const sent = `data:image/png;base64,${PNG.toString('base64')}`;
    for (const model of [MODEL, 'talker']) {
      for (const store of [true, false]) {
        const answer = await client.responses.create({
          model,
          store,
          input: [
            asking({ type: 'input_file', file_id: text.id }),
            asking({ type: 'input_image', file_id: image.id, detail: 'low' }),
          ],
        });
        expect(answer.output_text).toContain('painted green');
        expect(await lastUpstream()).toContain(sent);
      }
    }
    const chat = await client.chat.completions.create({
      model: MODEL,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: QUESTION },
            { type: 'file', file: { file_id: text.id } },
          ],
        },
      ],
    });
    expect(chat.choices[0]?.message.content).toContain('painted green');
    const wrong = client.responses.create({
      model: MODEL,
      input: [asking({ type: 'input_image', file_id: text.id, detail: 'low' })],
    });
    expect(await failureOf(wrong)).toMatchObject({
      status: 400,
      code: 'file_type_not_allowed',
      param: 'input[0].content[1].file_id',
    });
    for (const { id } of [text, image]) await client.files.delete(id);
  });

  test('an unknown file is refused with its field, and what is too much', async () => {
    const unknown = client.responses.create({
      model: MODEL,
      input: [asking({ type: 'input_file', file_id: 'file-x' })],
    });
    expect(await failureOf(unknown)).toMatchObject({
      status: 400,
      code: 'file_not_found',
      param: 'input[0].content[1].file_id',
    });
    const at = async (bytes: number) => {
      const file = await client.files.create({ file: await note('a'.repeat(bytes)), purpose: 'user_data' });
      const input = [asking({ type: 'input_file', file_id: file.id })];
      const answer = await failureOf(client.responses.create({ model: MODEL, input })).catch(() => null);
      await client.files.delete(file.id);
      return answer;
    };
    expect(await at(1_000_001)).toMatchObject({ status: 413, code: 'file_too_large' });
  });

  test('a conversation takes files with its items', async () => {
    const file = await client.files.create({ file: await note(), purpose: 'user_data' });
    const item = asking({ type: 'input_file', file_id: file.id });
    const conversation = await client.conversations.create({ items: [item] });
    const answer = await client.responses.create({ model: MODEL, conversation: conversation.id, input: QUESTION });
    expect(answer.output_text).toContain('painted green');
    const missing = client.conversations.items.create(conversation.id, {
      items: [asking({ type: 'input_file', file_id: otherId(file.id) })],
    });
    expect(await failureOf(missing)).toMatchObject({ code: 'file_not_found', param: 'items[0].content[1].file_id' });
    await client.conversations.delete(conversation.id);
    await client.files.delete(file.id);
  });
});

describe('addresses in an input', () => {
  test('what lies there is fetched once, kept for later turns, and goes with the response', async () => {
    fetched = [];
    body = FACT;
    const first = await client.responses.create({
      model: MODEL,
      input: [asking({ type: 'input_file', file_url: `${origin}/moved` })],
    });
    expect(first.output_text).toContain('painted green');
    expect(fetched).toEqual(['/moved', '/note.txt']);
    body = 'The lighthouse of Perdure was painted red in 2001.';
    await stack.restart();
    client = stack.openai();
    const next = await client.responses.create({ model: MODEL, previous_response_id: first.id, input: QUESTION });
    expect(next.output_text).toContain('painted green');
    expect(fetched).toHaveLength(2);
    expect(blobFiles()).toHaveLength(1);
    await client.responses.delete(next.id);
    await client.responses.delete(first.id);
    await expect.poll(blobFiles, { timeout: 10_000 }).toEqual([]);
    body = FACT;
  });

  test('an image becomes its bytes; a stateless call leaves nothing behind', async () => {
    await client.responses.create({
      model: MODEL,
      store: false,
      input: [asking({ type: 'input_image', image_url: `${origin}/dot.png`, detail: 'auto' })],
    });
    expect(await lastUpstream()).toContain(`data:image/png;base64,${PNG.toString('base64')}`);
    expect(await lastUpstream()).not.toContain(origin);
    expect(blobFiles()).toEqual([]);
  });

  test('what may not be fetched is refused with its field', async () => {
    const failing = (part: object) => failureOf(client.responses.create({ model: MODEL, input: [asking(part)] }));
    const image = (image_url: string) => failing({ type: 'input_image', image_url, detail: 'auto' });
    const file = (file_url: string) => failing({ type: 'input_file', file_url });
    const denied = { status: 403, code: 'egress_denied', param: 'input[0].content[1].image_url' };
    expect(await image('http://example.com/a.png')).toMatchObject(denied);
    expect(await image(`${origin}/away`)).toMatchObject(denied);
    expect(await image('file:///etc/passwd')).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(await image(`${origin}/note.txt`)).toMatchObject({ status: 400, code: 'file_type_not_allowed' });
    expect(await file(`${origin}/gone`)).toMatchObject({
      status: 400,
      code: 'fetch_failed',
      param: 'input[0].content[1].file_url',
    });
  });
});
