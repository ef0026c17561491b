import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ACME, ask, until, World, type WorldOptions } from '../../engine/world.test-support.ts';
import { sha256 } from '../../engine/traces/turn.test-support.ts';
import { home, target } from '../../placement/fixture.test-support.ts';
import { makeOtlpSender } from '../../provider/otlp/send.ts';
import { type Cursors, openCursors } from './cursor.ts';
import { type ExporterParts, type RunningExporter, startExporter } from './exporter.ts';
import { type Receiver, startReceiver } from './receiver.test-support.ts';

let receiver: Receiver;
let data: string;
let running: RunningExporter[] = [];
beforeEach(async () => {
  receiver = await startReceiver();
  data = mkdtempSync(join(tmpdir(), 'perdure-traces-'));
});
afterEach(async () => {
  await Promise.all(running.map(one => one.close()));
  running = [];
  await receiver.close();
  rmSync(data, { recursive: true, force: true });
  expect(receiver.problems).toEqual([]);
});

function place(options: WorldOptions = {}) {
  const world = new World(options);
  const { engine, stores } = world.boot();
  const notes: string[] = [];
  const turn = async (input: string, labels: readonly string[] = []): Promise<string> => {
    world.pass(10);
    const response = await ask(engine, { input }, { labels });
    await response.done;
    return response.id;
  };
  const start = async (
    over: Partial<ExporterParts> & { readonly content?: boolean } = {},
  ): Promise<RunningExporter> => {
    const exporter = startExporter({
      stores,
      source: {
        sha256,
        wait: work => work,
        target: async () => ({ cloud: 'aws', region: 'us-east-1' }),
        server: () => null,
        content: over.content ?? false,
      },
      placing: engine.placing,
      host: 'receiver.example',
      sender: makeOtlpSender({ url: receiver.url, headers: { authorization: 'Bearer a-secret' } }, 5000, Date.now),
      cursors: await openCursors(data),
      intervalMs: 10,
      retryMs: 10,
      startedAt: 0,
      log: line => notes.push(line),
      report: (what, error) => notes.push(`${what}: ${String(error)}`),
      ...over,
    });
    running.push(exporter);
    return exporter;
  };
  return { world, engine, stores, notes, turn, start };
}

/** The turns of which something came, in the order in which it did. */
const turns = (): readonly unknown[] =>
  receiver.received.flatMap(({ spans }) =>
    spans.flatMap(({ attributes }) =>
      attributes.flatMap(({ key, value }) => (key === 'perdure.turn.id' ? Object.values(value) : [])),
    ),
  );
const came = (count: number): Promise<void> => until(() => turns().length >= count, `${count} turns`);

test('finished turns are sent, once, in their order, with the headers of the configuration', async () => {
  const { turn, start, notes, stores } = place();
  const ids = [await turn('one'), await turn('two')];
  const cursors = await openCursors(data);
  const first = await start({ cursors });
  await came(2);
  ids.push(await turn('three'));
  await came(3);
  expect(turns()).toEqual(ids);
  const end = (await stores[0]?.outbox(0, 1000))?.at(-1)?.position;
  await until(() => cursors.get('local') === end, 'that it is noted');
  expect(receiver.received[0]?.headers).toMatchObject({ authorization: 'Bearer a-secret' });
  await first.close();
  // The next process goes on where this one was.
  await start();
  ids.push(await turn('four'));
  await came(4);
  expect(turns()).toEqual(ids);
  expect(notes).toEqual([]);
});

test('what a receiver cannot take now is sent until it does (E1), and no turn waits for it', async () => {
  const { turn, start, notes } = place();
  receiver.answers.push({ status: 503 }, { status: 429, headers: { 'retry-after': '0' } }, { status: 502 });
  const one = await turn('one');
  await start();
  await came(1);
  // While it fails, turns go on.
  const two = await turn('two');
  await until(() => turns().includes(two), 'the second turn');
  const ids = turns();
  expect(ids.slice(0, 4)).toEqual([one, one, one, one]);
  expect(ids.at(-1)).toBe(two);
  expect(notes).toEqual([
    'traces: an export failed (status 503); it is tried again',
    'traces: the receiver takes them again',
  ]);
  // The same spans each time: whoever keeps them by their ids has each once.
  const spanIds = receiver.received.slice(0, 4).map(({ spans }) => spans.map(({ spanId }) => spanId));
  expect(new Set(spanIds.map(all => all.join())).size).toBe(1);
});

test('what is refused for good is dropped and told, and holds up nothing (E3)', async () => {
  const { turn, start, notes } = place();
  receiver.answers.push({ status: 400, body: 'a reason that may hold content' });
  await turn('one');
  await start();
  await came(1);
  const two = await turn('two');
  await came(2);
  expect(turns().at(-1)).toBe(two);
  expect(notes).toEqual([
    expect.stringMatching(/^traces: the receiver refused an export of \d+ bytes \(status 400\); it is dropped$/),
  ]);
});

test('spans that were rejected are counted', async () => {
  const { turn, start, notes } = place();
  receiver.answers.push({ status: 200, body: '{"partialSuccess":{"rejectedSpans":"2"}}' });
  await turn('one');
  await start();
  await until(() => notes.length > 0, 'a note');
  expect(notes).toEqual(['traces: the receiver rejected 2 spans']);
});

test('a process that ends before it noted how far it was sends again, the same', async () => {
  const { turn, start } = place();
  const one = await turn('one');
  const kept = await openCursors(data);
  const forgets: Cursors = { get: home => kept.get(home) ?? 0, set: () => Promise.reject(new Error('killed')) };
  const first = await start({ cursors: forgets });
  await came(1);
  await first.close();
  const before = receiver.received.length;
  await start();
  await until(() => receiver.received.length > before, 'another export');
  expect(turns().at(-1)).toBe(one);
  expect(receiver.received.at(-1)?.spans).toEqual(receiver.received[0]?.spans);
});

test('what ended before the first start is history', async () => {
  const { world, turn, start } = place();
  for (let i = 0; i < 5; i++) await turn(`old ${i}`);
  world.pass(1000);
  const startedAt = world.clock.now();
  const fresh = await turn('new');
  await start({ startedAt });
  await came(1);
  expect(turns()).toEqual([fresh]);
});

test('nothing leaves of a session whose data contracts keep from the open network (E4)', async () => {
  const { turn, start, notes } = place({
    contracts: ['data-handling'],
    places: [
      target('up-1', 'local', { clearances: ['restricted'] }),
      home('local', 'local', { clearances: ['restricted'] }),
    ],
  });
  await turn('kept', ['restricted']);
  const open = await turn('open');
  await start();
  await came(1);
  expect(turns()).toEqual([open]);
  expect(notes).toEqual(["traces: 1 kept back so far, since contracts in force refuse egress of their sessions' data"]);
});

test('what was deleted meanwhile is not sent', async () => {
  const { engine, turn, start } = place();
  const gone = await turn('gone');
  await engine.deleteResponse(ACME, gone);
  const stays = await turn('stays');
  await start();
  await came(1);
  expect(turns()).toEqual([stays]);
});

test('an export has at most so many bytes, unless one trace alone has more', async () => {
  const { turn, start } = place();
  const large = 'x'.repeat(600 * 1024);
  for (const input of ['small', 'small', large, large]) await turn(input);
  await start({ content: true });
  await came(4);
  expect(
    receiver.received.map(({ spans }) => spans.filter(({ parentSpanId }) => parentSpanId === undefined).length),
  ).toEqual([3, 1]);
});

test('closing does not wait for a receiver that hangs', async () => {
  const { turn, start } = place();
  receiver.answers.push('hang');
  await turn('one');
  const exporter = await start();
  await came(1);
  await exporter.close();
  // It was not noted as sent.
  expect((await openCursors(data)).get('local')).toBe(0);
});
