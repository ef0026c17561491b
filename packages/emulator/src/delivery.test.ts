import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { OVERSIZE_BYTES } from './delivery.ts';
import type { Emulator } from './options.ts';
import { startEmulator } from './server.ts';

// For a loaded machine: nothing here takes long by itself.
vi.setConfig({ testTimeout: 60_000 });

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ clouds: ['aws', 'azure'] });
});
afterAll(() => emulator.close());
beforeEach(async () => {
  await fetch(`${emulator.url}/_emulator/faults`, { method: 'DELETE' });
  await fetch(`${emulator.url}/_emulator/log`, { method: 'DELETE' });
});

type Dialect = 'responses' | 'chat/completions';
const dialects: readonly Dialect[] = ['responses', 'chat/completions'];

const post = (dialect: Dialect, text: string, stream: boolean, signal?: AbortSignal): Promise<Response> =>
  fetch(`${emulator.baseUrl('aws')}/${dialect}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'm',
      stream,
      ...(dialect === 'responses' ? { input: text } : { messages: [{ role: 'user', content: text }] }),
    }),
    ...(signal === undefined ? {} : { signal }),
  });

/** All that arrives before the end or the break, and whether it was a break. */
async function received(response: Response): Promise<{ readonly text: string; readonly broken: boolean }> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    return { text, broken: false };
  } catch {
    return { text, broken: true };
  }
}

const deltasIn = (text: string): number =>
  text.match(/"type":"response.output_text.delta".*\n|"delta":\{"content":"[^"].*\n/g)?.length ?? 0;
const lastLog = async (): Promise<Record<string, unknown>> => {
  for (;;) {
    const log = (await (await fetch(`${emulator.url}/_emulator/log`)).json()) as {
      requests: Record<string, unknown>[];
    };
    const last = log.requests.at(-1);
    if (last !== undefined && last['ended'] !== null) return last;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
};

for (const dialect of dialects) {
  test(`${dialect}: a cut after N deltas comes after exactly N deltas`, async () => {
    for (const count of [0, 1, 5]) {
      const { text, broken } = await received(await post(dialect, `Hi [[fault: cut ${count}]]`, true));
      expect({ count: deltasIn(text), broken }).toEqual({ count, broken: true });
      expect(text === '').toBe(count === 0);
    }
    expect(await lastLog()).toMatchObject({ ended: 'cut', status: 200, faults: ['cut 5'] });
  });

  test(`${dialect}: a malformed event comes after N deltas and ends the stream`, async () => {
    const { text, broken } = await received(await post(dialect, 'Hi [[fault: malformed 3]]', true));
    expect({ count: deltasIn(text.slice(0, text.lastIndexOf('data: '))), broken }).toEqual({ count: 3, broken: false });
    const last = text.trim().split('data: ').at(-1) ?? '';
    expect(() => JSON.parse(last) as unknown).toThrow(SyntaxError);
  });

  test(`${dialect}: a hang after N deltas sends no more and ends when the client leaves`, async () => {
    const leaving = new AbortController();
    const response = await post(dialect, 'Hi [[fault: hang 2]]', true, leaving.signal);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (deltasIn(text) < 2) text += (await reader?.read())?.value ?? '';
    const more = reader?.read().then(
      () => 'more',
      () => 'left',
    );
    const quiet = new Promise(resolve => setTimeout(() => resolve('quiet'), 100));
    expect(await Promise.race([more, quiet])).toBe('quiet');
    leaving.abort();
    expect(await more).toBe('left');
    expect(deltasIn(text)).toBe(2);
    expect(await lastLog()).toMatchObject({ ended: 'hung' });
  });

  test(`${dialect}: a hang without a number never sends headers`, async () => {
    const leaving = new AbortController();
    const answer = post(dialect, 'Hi [[fault: hang]]', false, leaving.signal).then(
      () => 'answered',
      () => 'left',
    );
    const quiet = new Promise(resolve => setTimeout(() => resolve('quiet'), 100));
    expect(await Promise.race([answer, quiet])).toBe('quiet');
    leaving.abort();
    expect(await answer).toBe('left');
    expect(await lastLog()).toMatchObject({ ended: 'hung', status: null });
  });

  test(`${dialect}: a truncated stream ends cleanly without its end`, async () => {
    const whole = await received(await post(dialect, 'Hi', true));
    const { text, broken } = await received(await post(dialect, 'Hi [[fault: truncate]]', true));
    expect(broken).toBe(false);
    expect(deltasIn(text)).toBe(deltasIn(whole.text));
    expect(whole.text).toMatch(/response\.completed|\[DONE\]/);
    expect(text).not.toMatch(/response\.completed|\[DONE\]|"finish_reason":"/);
  });

  test(`${dialect}: an error event ends the stream in band`, async () => {
    const { text, broken } = await received(await post(dialect, 'Hi [[fault: error-event 2]]', true));
    expect({ count: deltasIn(text), broken }).toEqual({ count: 2, broken: false });
    const last = JSON.parse(text.trim().split('data: ').at(-1) ?? '') as Record<string, unknown>;
    expect(last).toMatchObject({ error: { type: 'server_error', code: 'server_error', param: null } });
    if (dialect === 'responses')
      expect(last).toMatchObject({ type: 'error', sequence_number: 6, code: 'server_error' });
  });

  test(`${dialect}: an oversize line is as long as it says, and the stream goes on`, async () => {
    const { text } = await received(await post(dialect, 'Hi [[fault: oversize 1]]', true));
    const longest = Math.max(...text.split('\n').map(line => line.length));
    expect(longest).toBeGreaterThanOrEqual(OVERSIZE_BYTES);
    expect(text).toMatch(/response\.completed|\[DONE\]/);
  });

  test(`${dialect}: a body is broken as a stream is`, async () => {
    expect(await received(await post(dialect, 'Hi [[fault: cut 0]]', false))).toEqual({ text: '', broken: true });
    const cut = await received(await post(dialect, 'Hi [[fault: cut 1]]', false));
    expect(cut.broken).toBe(true);
    expect(cut.text).toMatch(/^\{"id"/);
    const malformed = await received(await post(dialect, 'Hi [[fault: malformed 1]]', false));
    expect(malformed.broken).toBe(false);
    expect(() => JSON.parse(malformed.text) as unknown).toThrow(SyntaxError);
    expect((await post(dialect, 'Hi [[fault: error-event 1]]', false)).status).toBe(500);
    const oversize = await received(await post(dialect, 'Hi [[fault: oversize]]', false));
    expect(oversize.text.length).toBeGreaterThan(OVERSIZE_BYTES);
    expect(JSON.parse(oversize.text)).toMatchObject({ model: 'm-emulated' });
  });
}

test('a status comes with its envelope and its header', async () => {
  const limited = await post('responses', 'Hi [[fault: status 429 retry-after 7]]', true);
  expect(limited.status).toBe(429);
  expect(limited.headers.get('retry-after')).toBe('7');
  expect(await limited.json()).toMatchObject({ error: { code: 'rate_limit_exceeded', type: 'requests', param: null } });
  const soon = await post('responses', 'Hi [[fault: status 503 retry-after-ms 20]]', true);
  expect([soon.status, soon.headers.get('retry-after-ms')]).toEqual([503, '20']);
  expect(await soon.json()).toMatchObject({ error: { type: 'server_error' } });
});

test.each([
  ['first-token', 0],
  ['latency', 1],
])('%s keeps back all but %i delta', async (name, count) => {
  const leaving = new AbortController();
  const response = await post('responses', `Hi [[${name}: 600000]]`, true, leaving.signal);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (deltasIn(text) < count || !text.includes('content_part.added')) text += (await reader?.read())?.value ?? '';
  const more = reader?.read().then(
    () => 'more',
    () => 'left',
  );
  expect(await Promise.race([more, new Promise(resolve => setTimeout(() => resolve('quiet'), 100))])).toBe('quiet');
  expect(deltasIn(text)).toBe(count);
  leaving.abort();
  expect(await more).toBe('left');
  expect(await lastLog()).toMatchObject({ ended: 'client-left' });
});

test('latency and first token add up to the time of a body, and end', async () => {
  const { text } = await received(await post('chat/completions', 'Hi [[latency: 2]] [[first-token: 3]]', false));
  expect(JSON.parse(text)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
  const paced = await received(await post('chat/completions', 'Hi [[latency: 2]] [[first-token: 3]]', true));
  expect(deltasIn(paced.text)).toBe(12);
});

test('without latency the deltas are events of their own in few writes', async () => {
  let chunks = 0;
  let text = '';
  const response = await post('responses', '[[words: 200]]', true);
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    chunks++;
    text += chunk;
  }
  expect(deltasIn(text)).toBeGreaterThanOrEqual(200);
  expect(chunks).toBeLessThan(20);
});

test('a client that does not read holds the stream back, and one that leaves ends it', async () => {
  const socket = connect(emulator.port, '127.0.0.1');
  const body = JSON.stringify({ model: 'm', stream: true, input: '[[words: 400000]]' });
  socket.write(
    `POST /aws/v1/responses HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await new Promise(resolve => socket.once('readable', resolve));
  await new Promise(resolve => setTimeout(resolve, 300));
  const log = (await (await fetch(`${emulator.url}/_emulator/log`)).json()) as { requests: Record<string, unknown>[] };
  expect(log.requests.at(-1)).toMatchObject({ ended: null });
  socket.destroy();
  expect(await lastLog()).toMatchObject({ ended: 'client-left' });
});
