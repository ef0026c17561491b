import { beforeEach, describe, expect, test } from 'vitest';
import { home, target } from '../../placement/fixture.test-support.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { storeError } from '../../store/store-error.ts';
import type { Engine } from '../engine.ts';
import { ACME, ask, type Booted, codeOf, gate, request, RIVAL, until, World } from '../world.test-support.ts';
import { CHUNK_BYTES } from './desk.ts';
import { DeskInMemory } from './desk.test-support.ts';
import type { FileSaid, Upload } from './upload.ts';
import type { FileRow } from './rows.ts';

const TEXT: FileSaid = { purpose: 'user_data', filename: 'note.txt', type: 'text/plain', expiresAfter: null };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let desk = new DeskInMemory();
let world = new World();
let booted: Booted = world.boot();
const on = (options: ConstructorParameters<typeof World>[0] = {}, given = new DeskInMemory()): void => {
  desk = given;
  world = new World({ ...options, files: desk });
  booted = world.boot();
};
beforeEach(() => on());

async function upload(
  engine: Engine,
  text: string,
  more: Partial<FileSaid> & { labels?: string[] } = {},
): Promise<FileRow> {
  const { labels = [], ...said } = more;
  const begun = await engine.files.upload(ACME, labels);
  await begun.write(bytes(text));
  return begun.finish({ ...TEXT, ...said });
}
const withFile = (id: string) => ({
  input: [
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'Read it.' },
        { type: 'input_file', file_id: id },
      ],
    },
  ],
});
const withUrl = (url: string) => ({
  input: [{ role: 'user', content: [{ type: 'input_file', file_url: url }] }],
});
const lastSent = (): string => JSON.stringify(world.provider.calls.at(-1)?.context);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const living = async (): Promise<number> => (await booted.stores[0]?.living(null, 100))?.length ?? -1;

describe('nothing acknowledged is lost, nothing given up is left', () => {
  test('a file outlives the process that took it in, byte for byte, over the ends of chunks', async () => {
    const whole = new Uint8Array(CHUNK_BYTES + 3).map((_, index) => index % 251);
    const begun = await booted.engine.files.upload(ACME, []);
    for (let from = 0; from < whole.length; from += 1_000_003)
      await begun.write(whole.subarray(from, from + 1_000_003));
    const row = await begun.finish({ ...TEXT, type: null, filename: 'x.bin' });
    expect([row.bytes, row.chunks, desk.kept.size, row.type]).toEqual([whole.length, 2, 2, 'application/octet-stream']);
    const { engine } = world.boot();
    const { bytes: parts } = await engine.files.content(ACME, row.id);
    const read: Uint8Array[] = [];
    for await (const part of parts) read.push(part);
    expect(Buffer.concat(read).equals(Buffer.from(whole))).toBe(true);
  });

  test('what a crash cuts in the middle of an upload is swept by the next process: row, bytes and state', async () => {
    const cut = await booted.engine.files.upload(ACME, []);
    await cut.write(new Uint8Array(CHUNK_BYTES + 1));
    expect(desk.kept.size).toBe(1);
    expect(await living()).toBe(1);
    world.pass(1);
    booted = world.boot();
    const { engine } = booted;
    expect((await engine.files.list(ACME, { purpose: null, order: 'asc', limit: 10, after: null })).files).toEqual([]);
    world.pass(60_000);
    expect(await engine.files.sweep()).toBe(1);
    expect([desk.kept.size, await living(), await engine.files.sweep()]).toEqual([0, 0, 0]);
    // The late end of what was swept is told so, and leaves nothing.
    expect(await codeOf(cut.finish(TEXT))).toBe('request_too_slow');
  });

  test('an upload under way is not swept before its time, and is after it', async () => {
    const { engine } = booted;
    const slow = await engine.files.upload(ACME, []);
    await slow.write(bytes('slow'));
    world.pass(2 * desk.limits.uploadMs);
    expect(await engine.files.sweep()).toBe(0);
    world.pass(1);
    expect(await engine.files.sweep()).toBe(1);
    expect(await codeOf(slow.finish(TEXT))).toBe('request_too_slow');
  });

  test('an upload that is abandoned leaves nothing, also where a blob could not be written', async () => {
    const { engine } = booted;
    const given: Upload[] = [await engine.files.upload(ACME, []), await engine.files.upload(ACME, [])];
    for (const one of given) await one.write(new Uint8Array(CHUNK_BYTES));
    desk.broken = 'put';
    expect(await codeOf(given[1]?.write(new Uint8Array(CHUNK_BYTES)) ?? Promise.resolve())).toBe('store_unavailable');
    desk.broken = null;
    for (const one of given) await one.abandon();
    expect([desk.kept.size, await living()]).toEqual([0, 0]);
  });

  test('a blob that comes late, after its upload was given up, goes too', async () => {
    booted = world.boot({ limits: { storeMs: 50 } });
    const begun = await booted.engine.files.upload(ACME, []);
    const late = gate();
    desk.hold = late.opened;
    expect(await codeOf(begun.write(new Uint8Array(CHUNK_BYTES)))).toBe('store_unavailable');
    // Not even now: its row stays for the sweep.
    expect(await codeOf(begun.abandon())).toBe('store_unavailable');
    const given = begun.abandon();
    late.open();
    await given;
    expect([desk.kept.size, world.data.get('local')?.files.size]).toEqual([0, 0]);
  });

  test('what is deleted is gone for everyone at once; bytes that could not go then go with the sweep', async () => {
    const { engine } = booted;
    const { id } = await upload(engine, 'secret');
    desk.broken = 'delete';
    await engine.files.delete(ACME, id);
    expect(await codeOf(engine.files.read(ACME, id))).toBe('file_not_found');
    expect(booted.reported.map(({ what }) => what)).toEqual(['file.remove']);
    expect(await engine.files.sweep()).toBe(0);
    expect(desk.kept.size).toBe(1);
    desk.broken = null;
    expect(await engine.files.sweep()).toBe(1);
    expect([desk.kept.size, await living()]).toEqual([0, 0]);
  });

  test('a file is there until the moment it expires, and not a millisecond longer', async () => {
    const { engine } = booted;
    const { id } = await upload(engine, 'passing', { expiresAfter: 3_600 });
    world.pass(3_600_000 - 1);
    expect((await engine.files.read(ACME, id)).id).toBe(id);
    expect(await engine.files.sweep()).toBe(0);
    world.pass(1);
    expect(await codeOf(engine.files.read(ACME, id))).toBe('file_not_found');
    expect(await codeOf(ask(engine, withFile(id)))).toBe('file_not_found');
    expect(await engine.files.sweep()).toBe(1);
    expect(desk.kept.size).toBe(0);
  });
});

describe('L10: files are their tenant’s', () => {
  test('on every verb, and in an input', async () => {
    const { engine } = booted;
    const { id } = await upload(engine, 'ours');
    expect(await codeOf(engine.files.read(RIVAL, id))).toBe('file_not_found');
    expect(await codeOf(engine.files.content(RIVAL, id))).toBe('file_not_found');
    expect(await codeOf(engine.files.delete(RIVAL, id))).toBe('file_not_found');
    const list = { purpose: null, order: 'asc', limit: 10, after: null } as const;
    expect((await engine.files.list(RIVAL, list)).files).toEqual([]);
    expect(await codeOf(ask(engine, withFile(id), { caller: RIVAL }))).toBe('file_not_found');
    const stateless = { caller: RIVAL, request: request({ ...withFile(id), store: false }), extra: {}, labels: [] };
    expect(await codeOf(engine.stateless({ ...stateless, signal: new AbortController().signal }))).toBe(
      'file_not_found',
    );
    expect((await engine.files.list(ACME, list)).files.map(file => file.id)).toEqual([id]);
  });
});

describe('L8: labels of a file', () => {
  const places = [
    target('up-cleared', 'azure', { clearances: ['restricted'] }),
    target('up-plain', 'aws'),
    home('a-plain', 'aws'),
    home('cleared', 'azure', { clearances: ['restricted'] }),
  ];
  const labelled = (homes: readonly string[] = ['a-plain', 'cleared']): void => {
    const there = places.filter(place => place.kind === 'target' || homes.includes(place.id));
    on({ homes, places: there, contracts: ['none', 'data-handling'] });
  };
  const session = (id: string): unknown => {
    for (const [at, { responses, sessions }] of world.data) {
      const row = sessions.get(responses.get(id)?.row.session ?? ('' as never))?.row;
      if (row !== undefined) return [at, (JSON.parse(row.state ?? '{}') as { labels: unknown }).labels];
    }
    return null;
  };

  test('decide where its bytes lie, and follow into the session that reads it, and its calls', async () => {
    labelled();
    const { engine } = booted;
    const { id } = await upload(engine, 'secret', { labels: ['restricted'] });
    expect([...desk.kept.keys()].every(key => key.startsWith('cleared '))).toBe(true);
    const turn = await ask(engine, withFile(id));
    await turn.done;
    expect(session(turn.id)).toEqual(['cleared', ['restricted']]);
    const call = { caller: ACME, request: request({ ...withFile(id), store: false }), extra: {}, labels: [] };
    await (await engine.stateless({ ...call, signal: new AbortController().signal })).answer();
    const targets = world.provider.calls.map(({ upstream }) => upstream.target);
    expect(targets).toEqual(['up-cleared', 'up-cleared']);
  });

  test('that no home may hold refuse the upload before a byte is written, on the record', async () => {
    labelled(['a-plain']);
    expect(await codeOf(upload(booted.engine, 'secret', { labels: ['restricted'] }))).toBe('placement_refused');
    expect(desk.kept.size).toBe(0);
    const { placements } = await booted.engine.placements(ACME, { order: 'desc', limit: 5 });
    expect(placements.map(({ chosen }) => chosen)).toEqual([null]);
  });

  test('that the home of a session may not hold refuse its turn, and what is added to it', async () => {
    labelled();
    const { engine } = booted;
    const { id } = await upload(engine, 'secret', { labels: ['restricted'] });
    const conversation = await engine.conversations.create(ACME, [], {});
    const items = request(withFile(id)).input;
    const before = JSON.stringify([...(world.data.get('a-plain')?.sessions.values() ?? [])]);
    expect(await codeOf(engine.conversations.addItems(ACME, conversation.id, items))).toBe('label_not_allowed_here');
    expect(await codeOf(ask(engine, { ...withFile(id), conversation: conversation.id }))).toBe(
      'label_not_allowed_here',
    );
    expect(before).not.toContain(id);
    expect(JSON.stringify([...(world.data.get('a-plain')?.sessions.values() ?? [])])).not.toContain('Read it.');
    const cleared = await engine.conversations.create(ACME, items, {});
    expect(world.data.get('cleared')?.sessions.has(cleared.id.replace('conv_', 'sess_') as never)).toBe(true);
  });
});

describe('what lies at an address', () => {
  const URL = 'https://files.test/note.txt';
  const page = (text: string): void =>
    void desk.pages.set(URL, { bytes: bytes(text), type: 'text/plain', filename: 'note.txt' });

  test('is fetched once, and the same bytes go to the model in the next process too', async () => {
    page('as it was');
    const { id, done } = await ask(booted.engine, withUrl(URL));
    await done;
    expect(lastSent()).toContain(base64('as it was'));
    page('as it is');
    world.pass(60_000);
    booted = world.boot();
    await (await ask(booted.engine, { previous_response_id: id })).done;
    expect(lastSent()).toContain(base64('as it was'));
    expect(desk.fetched).toEqual([URL]);
    // The sweep of a later day finds that its turn was committed.
    world.pass(86_400_000);
    expect(await booted.engine.files.sweep()).toBe(0);
    await (await ask(booted.engine, { previous_response_id: id })).done;
    expect(lastSent()).toContain(base64('as it was'));
  });

  test('is no upload: no list has it, no id reaches it', async () => {
    page('text');
    await (await ask(booted.engine, withUrl(URL))).done;
    const [row] = world.data.get('local')?.files.values() ?? [];
    expect(row).toMatchObject({ purpose: 'fetched', bytes: 4 });
    expect(await codeOf(booted.engine.files.read(ACME, row?.id ?? ''))).toBe('file_not_found');
    const list = { purpose: null, order: 'asc', limit: 10, after: null } as const;
    expect((await booted.engine.files.list(ACME, list)).files).toEqual([]);
  });

  test('goes with a turn that was never committed', async () => {
    page('orphan');
    let cut = true;
    const wrap = (store: HomeStore): HomeStore => ({
      ...store,
      append: append => (cut ? Promise.reject(storeError('store_unavailable', 'cut')) : store.append(append)),
    });
    booted = world.boot({ wrap });
    expect(await codeOf(ask(booted.engine, withUrl(URL)))).toBe('store_unavailable');
    cut = false;
    expect(desk.kept.size).toBe(1);
    world.pass(1);
    booted = world.boot();
    expect(await booted.engine.files.sweep()).toBe(1);
    expect(desk.kept.size).toBe(0);
  });

  test('L13: goes when the payload goes that it was fetched for', async () => {
    page('to be erased');
    const { engine } = booted;
    const first = await ask(engine, withUrl(URL));
    await first.done;
    const fork = await ask(engine, { previous_response_id: first.id });
    await fork.done;
    await engine.deleteResponse(ACME, first.id);
    await engine.files.sweep();
    expect(desk.kept.size).toBe(1);
    await engine.deleteResponse(ACME, fork.id);
    await engine.files.sweep();
    expect(desk.kept.size).toBe(0);
  });

  test('a stateless call keeps nothing of it', async () => {
    page('passing');
    const call = { caller: ACME, request: request({ ...withUrl(URL), store: false }), extra: {}, labels: [] };
    await (await booted.engine.stateless({ ...call, signal: new AbortController().signal })).answer();
    expect(lastSent()).toContain(base64('passing'));
    expect([desk.kept.size, world.data.get('local')?.files.size]).toEqual([0, 0]);
  });
});

describe('egress under contract', () => {
  const URL = 'https://files.test/note.txt';
  const places = [
    target('up-1', 'azure', { clearances: ['restricted'] }),
    home('local', 'azure', { clearances: ['restricted'] }),
  ];

  test('a request with labels that the open network is not cleared for reaches no address, nor does its session', async () => {
    on({ places, contracts: ['none', 'data-handling'] });
    desk.pages.set(URL, { bytes: bytes('text'), type: 'text/plain', filename: 'note.txt' });
    const { engine } = booted;
    await (await ask(engine, withUrl(URL))).done;
    expect(await codeOf(ask(engine, withUrl(URL), { labels: ['restricted'] }))).toBe('egress_denied');
    const { id } = await upload(engine, 'secret', { labels: ['restricted'] });
    const both = { input: [...withFile(id).input, ...withUrl(URL).input] };
    const refused = await ask(engine, both).catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 403, code: 'egress_denied', param: 'input[1].content[0].file_url' });
    expect(JSON.stringify(refused)).toContain('data.clearance');
    const session = await ask(engine, withFile(id));
    await session.done;
    const next = { ...withUrl(URL), previous_response_id: session.id };
    expect(await codeOf(ask(engine, next))).toBe('egress_denied');
    const call = {
      caller: ACME,
      request: request({ ...withUrl(URL), store: false }),
      extra: {},
      labels: ['restricted'],
    };
    expect(await codeOf(engine.stateless({ ...call, signal: new AbortController().signal }))).toBe('egress_denied');
    expect(desk.fetched).toEqual([URL]);
  });
});

describe('what a model is sent', () => {
  test('a file that was deleted since is named as gone, though it was sent before', async () => {
    const { engine } = booted;
    const { id: file } = await upload(engine, 'once here');
    const { id, done } = await ask(engine, withFile(file));
    await done;
    expect(lastSent()).toContain(base64('once here'));
    await engine.files.delete(ACME, file);
    await (await ask(engine, { previous_response_id: id })).done;
    expect(lastSent()).toContain(`The file ${file} is not there any more`);
    expect(lastSent()).not.toContain(base64('once here'));
  });

  test('L5: is reserved for, in the turn that brings the file and in later ones', async () => {
    const { engine } = booted;
    const { id: file } = await upload(engine, 'x'.repeat(90_000));
    const { id, done } = await ask(engine, withFile(file));
    await done;
    await (await ask(engine, { previous_response_id: id })).done;
    const heads = [...(world.data.get('local')?.sessions.values() ?? [])].flatMap(({ events }) =>
      events.map(({ head }) => JSON.parse(head) as { reserved?: { input: number } }),
    );
    const reserved = heads.flatMap(({ reserved: one }) => (one === undefined ? [] : [one.input]));
    expect(reserved).toHaveLength(2);
    for (const input of reserved) expect(input).toBeGreaterThanOrEqual(90_000 / 4);
  });

  test('attachments may come to their bound, and not pass it', async () => {
    on({}, new DeskInMemory({ attachedBytes: 10 }));
    const { engine } = booted;
    const ten = await upload(engine, '0123456789');
    const one = await upload(engine, '0');
    await (await ask(engine, withFile(ten.id))).done;
    const both = { input: [...withFile(ten.id).input, ...withFile(one.id).input] };
    expect(await codeOf(ask(engine, both))).toBe('file_too_large');
  });

  test('bytes that cannot be read leave the turn to be taken up again, and no half of it is sent', async () => {
    const { engine } = booted;
    const { id: file } = await upload(engine, 'text');
    desk.broken = 'get';
    const turn = await ask(engine, withFile(file));
    expect(await codeOf(turn.done)).toBe('store_unavailable');
    expect(world.provider.calls).toEqual([]);
    desk.broken = null;
    world.pass(60_000);
    booted = world.boot();
    await booted.engine.recover();
    await until(() => world.provider.calls.length === 1 && booted.engine.busy === 0, 'the turn is taken up');
    expect(lastSent()).toContain(base64('text'));
    expect((await booted.engine.response(ACME, turn.id)).status).toBe('completed');
  });
});
