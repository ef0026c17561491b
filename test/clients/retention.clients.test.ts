/** Lifetimes and legal holds, as tenants, operators and auditors see them; through routes and through the command. */
import type { HoldResource, KeptList } from '@perdure/protocol';
import { type OpenAI, toFile } from 'openai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import type { FileConfig, FileRetention } from '../../packages/server/src/main/config/file-form.ts';
import { filesWith } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { DOG, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';
import { otherId } from '../support/other-id.ts';

const DAY_S = 86_400;
/** Long enough for a test to look at what lives, short enough to wait for its end. */
const LIFE_S = 6;
const KEYS = [
  { name: 'acme', tenant: 'acme', scopes: ['inference', 'read'], secret: 'secret-of-acme-1' },
  { name: 'brief', tenant: 'brief', scopes: ['inference', 'read'], secret: 'secret-of-brief-1' },
  { name: 'ops', tenant: 'ops', scopes: ['operator'], secret: 'secret-of-ops-123' },
  { name: 'eyes', tenant: 'acme', scopes: ['auditor'], secret: 'secret-of-eyes-12' },
  { name: 'others', tenant: 'others', scopes: ['auditor'], secret: 'secret-of-others-1' },
] as const;
const OPS = 'secret-of-ops-123';
const retention: FileRetention = {
  responses_days: 'none',
  sweep_seconds: 0.3,
  tenants: { brief: { responses_days: LIFE_S / DAY_S, conversations_days: LIFE_S / DAY_S } },
};

let stack: Stack;
let acme: OpenAI;
let brief: OpenAI;
beforeAll(async () => {
  stack = await startStack({ clouds: ['aws'], config: { keys: KEYS, retention, limits: { file_sweep_ms: 300 } } });
  acme = stack.openai('secret-of-acme-1');
  brief = stack.openai('secret-of-brief-1');
});
afterAll(() => stack.close());

let drawn = 0;
const mark = (): string => `kept or not ${String((drawn += 1)).padStart(4, '0')}-b604c2e51d8`;
const there = (needle: string): readonly string[] => filesWith(stack.data, needle);
const gone = (needle: string) => expect.poll(() => there(needle), { timeout: 20_000, interval: 200 }).toEqual([]);
const message = (content: string) => ({ type: 'message' as const, role: 'user' as const, content });
const MISSING = { status: 404, code: 'response_not_found' };
/** Some sweeps go by. */
const sweeps = () => new Promise(resolve => setTimeout(resolve, 1500));

async function asked<T>(
  method: string,
  path: string,
  body?: object,
  key = OPS,
): Promise<T & { readonly status: number }> {
  const response = await stack.request(method, `/perdure/v1/holds${path}`, {
    key,
    ...(body !== undefined && { body }),
  });
  return { ...((await response.json()) as T), status: response.status };
}
const place = (body: object): Promise<HoldResource & { readonly status: number }> =>
  asked<HoldResource>('POST', '', body);
const lift = (id: string): Promise<HoldResource & { readonly status: number }> =>
  asked<HoldResource>('POST', `/${id}/lift`);

describe('a lifetime', () => {
  test('over, a response is in no read and leaves no byte; what goes on from it keeps what it needs', async () => {
    const [told, note] = [mark(), mark()];
    const first = await brief.responses.create({ model: MODEL, input: `${DOG} ${told}`, metadata: { note } });
    expect((await brief.responses.retrieve(first.id)).id).toBe(first.id);
    await new Promise(resolve => setTimeout(resolve, (LIFE_S * 1000) / 3));
    const second = await brief.responses.create({ model: MODEL, input: 'Fine.', previous_response_id: first.id });
    const over = async (id: string): Promise<unknown> => failureOf(brief.responses.retrieve(id)).catch(() => null);
    await expect.poll(() => over(first.id), { timeout: 10_000, interval: 50 }).toMatchObject(MISSING);
    expect(await failureOf(brief.responses.inputItems.list(first.id))).toMatchObject(MISSING);
    expect(await failureOf(brief.responses.delete(first.id))).toMatchObject(MISSING);
    const again = brief.responses.create({ model: MODEL, input: 'Hello.', previous_response_id: first.id });
    expect(await failureOf(again)).toMatchObject({ status: 400, code: 'previous_response_not_found' });
    await gone(note);
    const third = await brief.responses.create({ model: MODEL, input: WHICH_DOG, previous_response_id: second.id });
    expect(said(third)).toContain(RECALLED);
    await expect.poll(() => over(third.id), { timeout: 10_000, interval: 50 }).toMatchObject(MISSING);
    await gone(told);
  });

  test('of a conversation begins anew with each change', async () => {
    const told = mark();
    const { id } = await brief.conversations.create({ items: [message(told)] });
    for (let i = 0; i < 4; i++) {
      await new Promise(resolve => setTimeout(resolve, (LIFE_S * 1000) / 3));
      await brief.conversations.items.create(id, { items: [message(`still here ${i}`)] });
    }
    expect(there(told)).toHaveLength(1);
    const over = () => failureOf(brief.conversations.retrieve(id)).catch(() => null);
    await expect.poll(over, { timeout: 10_000, interval: 50 }).toMatchObject({ code: 'conversation_not_found' });
    await gone(told);
  });

  test('is of each tenant its own', async () => {
    const response = await acme.responses.create({ model: MODEL, input: 'For ever.' });
    await new Promise(resolve => setTimeout(resolve, LIFE_S * 1000 + 1500));
    expect((await acme.responses.retrieve(response.id)).id).toBe(response.id);
  });
});

describe('a hold', () => {
  test('on a tenant keeps the files that are deleted, too', async () => {
    const [told, name] = [mark(), `${mark().replaceAll(' ', '-')}.txt`];
    const hold = await place({ tenant: 'acme', reason: 'litigation' });
    const file = await acme.files.create({ file: await toFile(Buffer.from(told), name), purpose: 'user_data' });
    expect(await acme.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true });
    for (const seen of [acme.files.retrieve(file.id), acme.files.content(file.id), acme.files.delete(file.id)])
      expect(await failureOf(seen)).toMatchObject({ status: 404, code: 'file_not_found' });
    expect((await acme.files.list()).data).toEqual([]);
    await sweeps();
    expect([there(told), there(name)].map(files => files.length)).toEqual([1, 1]);
    await lift(hold.id);
    await gone(told);
    await gone(name);
  });

  test('on a tenant keeps what is deleted and what is over, hidden all the same, until it is lifted', async () => {
    const [deleted, ended, item] = [mark(), mark(), mark()];
    const hold = await place({ tenant: 'brief', reason: 'litigation', reference: 'No. 26-cv-1187' });
    expect(hold).toMatchObject({
      status: 200,
      state: 'in_force',
      tenant: 'brief',
      subject: null,
      placed_by: expect.any(String),
    });
    const one = await brief.responses.create({ model: MODEL, input: deleted });
    const two = await brief.responses.create({ model: MODEL, input: ended });
    const talk = await brief.conversations.create({ items: [message(item)] });
    const answer = await stack.request('DELETE', `/v1/responses/${one.id}`, { key: 'secret-of-brief-1' });
    // As without a hold: nothing tells the tenant of it.
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { id: one.id, object: 'response.deleted', deleted: true },
    ]);
    expect([...answer.headers.keys()].join()).not.toMatch(/hold/);
    await brief.conversations.delete(talk.id);
    await expect
      .poll(() => failureOf(brief.responses.retrieve(two.id)).catch(() => null), { timeout: 10_000 })
      .toMatchObject(MISSING);
    await sweeps();
    for (const id of [one.id, two.id]) expect(await failureOf(brief.responses.retrieve(id))).toMatchObject(MISSING);
    expect([deleted, ended, item].flatMap(there)).toHaveLength(3);
    const kept = await asked<KeptList>('GET', `/${hold.id}/kept`);
    expect(kept.data.flatMap(({ responses }) => responses).toSorted()).toEqual([one.id, two.id].toSorted());
    expect(kept.data.find(({ conversation }) => conversation === talk.id)).toMatchObject({
      ended: true,
      tenant: 'brief',
    });
    expect(JSON.stringify(kept)).not.toContain('kept or not');
    const page = await asked<KeptList>('GET', `/${hold.id}/kept?limit=1`);
    const rest = await asked<KeptList>('GET', `/${hold.id}/kept?limit=2&after=${page.last_id}`);
    expect([page.has_more, rest.has_more, [...page.data, ...rest.data]]).toEqual([true, false, kept.data]);
    await stack.restart();
    [acme, brief] = [stack.openai('secret-of-acme-1'), stack.openai('secret-of-brief-1')];
    await sweeps();
    expect([deleted, ended, item].flatMap(there)).toHaveLength(3);
    expect(await lift(hold.id)).toMatchObject({ status: 200, state: 'lifted' });
    for (const needle of [deleted, ended, item]) await gone(needle);
    expect((await asked<KeptList>('GET', `/${hold.id}/kept`)).data).toEqual([]);
    expect(await lift(hold.id)).toMatchObject({ status: 409, error: { code: 'not_pending' } });
  });

  test('on a response keeps its chain, and nothing else; another hold on it goes on keeping it', async () => {
    const [held, beside] = [mark(), mark()];
    const one = await acme.responses.create({ model: MODEL, input: held });
    const two = await acme.responses.create({ model: MODEL, input: beside });
    const first = await place({ tenant: 'acme', subject: one.id, reason: 'inquiry' });
    const second = await place({ tenant: 'acme', subject: one.id, reason: 'another' });
    const cascade = await stack.request('DELETE', `/v1/responses/${one.id}?cascade=true`, { key: 'secret-of-acme-1' });
    expect(cascade.status).toBe(200);
    await acme.responses.delete(two.id);
    await gone(beside);
    await lift(first.id);
    await sweeps();
    expect(there(held)).toHaveLength(1);
    expect(await failureOf(acme.responses.retrieve(one.id))).toMatchObject(MISSING);
    await lift(second.id);
    await gone(held);
  });

  test('placed after a deletion that is not erased yet keeps it; on a conversation its id will do', async () => {
    const item = mark();
    const { id } = await acme.conversations.create({ items: [message(item)] });
    const hold = await place({ tenant: 'acme', subject: id, reason: 'inquiry' });
    const [listed] = (await acme.conversations.items.list(id)).data;
    await acme.conversations.items.delete(listed?.id ?? '', { conversation_id: id });
    await sweeps();
    expect(there(item)).toHaveLength(1);
    const again = await place({ tenant: 'acme', subject: id.replace('conv_', 'sess_'), reason: 'the same' });
    await lift(hold.id);
    await sweeps();
    expect(there(item)).toHaveLength(1);
    await lift(again.id);
    await gone(item);
    expect((await acme.conversations.items.list(id)).data).toEqual([]);
  });

  test('is on what there is, of that tenant', async () => {
    const one = await acme.responses.create({ model: MODEL, input: 'Mine.' });
    const absent = { status: 404, error: { code: 'hold_subject_not_found', param: 'subject' } };
    for (const [tenant, subject] of [
      ['brief', one.id],
      ['acme', 'resp_nothing'],
      ['acme', otherId(one.id)],
      ['acme', one.id.replace('resp_', 'conv_')],
    ])
      expect(await place({ tenant, subject, reason: 'inquiry' })).toMatchObject(absent);
    expect(await place({ tenant: 'acme', reason: '' })).toMatchObject({ status: 400 });
    expect(await lift('hld_nothing')).toMatchObject({ status: 404, error: { code: 'hold_not_found' } });
  });

  test('is for operators to place, for auditors of the tenant to see, and for nobody else', async () => {
    const hold = await place({ tenant: 'acme', reason: 'for eyes' });
    const list = async (key: string) => asked<{ data: readonly HoldResource[] }>('GET', '', undefined, key);
    expect((await list('secret-of-eyes-12')).data[0]).toMatchObject({ id: hold.id, reason: 'for eyes' });
    expect((await list('secret-of-others-1')).data).toEqual([]);
    expect((await list('secret-of-acme-1')).status).toBe(403);
    for (const key of ['secret-of-eyes-12', 'secret-of-acme-1'])
      expect((await asked('POST', '', { tenant: 'acme', reason: 'x' }, key)).status).toBe(403);
    expect(await asked('GET', `/${hold.id}/kept`, undefined, 'secret-of-others-1')).toMatchObject({ status: 404 });
    await lift(hold.id);
    const audit = await stack.request('GET', '/perdure/v1/audit?limit=1000', { key: OPS });
    const { data } = (await audit.json()) as { data: readonly { action: string; subject: string; digest: string }[] };
    const own = data.filter(({ subject }) => subject === hold.id);
    expect(own.map(({ action }) => action)).toEqual(['hold.placed', 'hold.lifted']);
  });
});

test('the command does the same, on the folder and through the server', async () => {
  const file = join(stack.data, 'perdure.yaml');
  const config = (port: number): FileConfig => ({
    listen: { host: '127.0.0.1', port },
    data: stack.data,
    keys: KEYS,
    targets: [targetOf(stack.emulator, 'aws')],
  });
  const { port } = new URL(stack.url);
  writeFileSync(file, JSON.stringify(config(Number(port))));
  const run = (...args: readonly string[]) =>
    perdure(['holds', ...args, '--config', file], { cwd: stack.data, env: { PERDURE_API_KEY: OPS } });
  const placed = await run('place', '--tenant', 'acme', '--reason', 'by command', '--json');
  expect(placed.code).toBe(0);
  const { id } = JSON.parse(placed.out) as HoldResource;
  const deleted = await acme.responses.create({ model: MODEL, input: 'Deleted under the command.' });
  await acme.responses.delete(deleted.id);
  expect((await run('kept', id)).out).toMatch(new RegExp(`SESSION.*\\n.*${deleted.id}`));
  expect((await run('list')).out).toMatch(new RegExp(`${id} +in_force +acme +everything .*by command`));
  const missing = await run('place', '--tenant', 'acme', '--subject', 'resp_nothing', '--reason', 'x');
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining("no 'resp_nothing'")]);
  const { out } = await perdure(['holds', 'place', '--help'], { cwd: stack.data });
  expect(out).toContain('--reference');
  await stack.stop();
  expect((await run('lift', id)).out).toBe(`${id}: everything of acme: lifted\n`);
  expect(JSON.parse((await run('list', '--json')).out)).toMatchObject({
    data: expect.arrayContaining([expect.objectContaining({ id, state: 'lifted', lifted_by: 'local' })]),
  });
});
