/** Files under a legal hold (F4): hidden, and nothing of them erased. */
import { expect, test } from 'vitest';
import type { Caller } from '../caller.ts';
import type { Engine } from '../engine.ts';
import { TestRetention } from '../retention.test-support.ts';
import { ACME, ask, codeOf, RIVAL, World } from '../world.test-support.ts';
import { CHUNK_BYTES } from './desk.ts';
import { DeskInMemory } from './desk.test-support.ts';
import type { FileSaid } from './upload.ts';
import type { FileRow } from './rows.ts';

const TEXT: FileSaid = { purpose: 'user_data', filename: 'note.txt', type: 'text/plain', expiresAfter: null };
async function upload(
  engine: Engine,
  text: string,
  said: Partial<FileSaid> = {},
  caller: Caller = ACME,
): Promise<FileRow> {
  const begun = await engine.files.upload(caller, []);
  await begun.write(new TextEncoder().encode(text));
  return begun.finish({ ...TEXT, ...said });
}

test('a file that is deleted or over is hidden and kept, bytes and row, until nothing holds it any more', async () => {
  const retention = new TestRetention();
  const desk = new DeskInMemory();
  const world = new World({ files: desk });
  const { engine } = world.boot({ retention });
  const deleted = await upload(engine, 'deleted');
  const over = await upload(engine, 'over', { expiresAfter: 1 });
  retention.tenants.add(ACME.tenant);
  await engine.files.delete(ACME, deleted.id);
  world.pass(120_000);
  expect(await engine.files.sweep()).toBe(0);
  for (const { id } of [deleted, over]) {
    expect(await codeOf(engine.files.read(ACME, id))).toBe('file_not_found');
    expect(await codeOf(engine.files.delete(ACME, id))).toBe('file_not_found');
    expect(
      await codeOf(ask(engine, { input: [{ role: 'user', content: [{ type: 'input_file', file_id: id }] }] })),
    ).toBe('file_not_found');
  }
  expect((await engine.files.list(ACME, { purpose: null, order: 'asc', limit: 10, after: null })).files).toEqual([]);
  expect([...desk.kept.values()].map(kept => Buffer.from(kept).toString()).toSorted()).toEqual(['deleted', 'over']);
  expect(world.data.get('local')?.files.get(deleted.id)).toMatchObject({ status: 'hidden', filename: 'note.txt' });
  // What was never finished was never there.
  const begun = await engine.files.upload(ACME, []);
  await begun.write(new Uint8Array(CHUNK_BYTES));
  await begun.abandon();
  expect(desk.kept.size).toBe(2);
  // Another process comes to the same end, once the first one's lease is over.
  const next = world.boot({ retention });
  world.pass(60_000);
  expect(await next.engine.files.sweep()).toBe(0);
  retention.tenants.clear();
  expect(await next.engine.files.sweep()).toBe(2);
  expect([
    desk.kept.size,
    world.data.get('local')?.files.size,
    (await next.stores[0]?.living(null, 100))?.length,
  ]).toEqual([0, 0, 0]);
});

test('any number of files is kept, stands in the way of no other, and goes once the hold is lifted', async () => {
  const retention = new TestRetention();
  const desk = new DeskInMemory({ tenantFiles: 1 });
  const world = new World({ files: desk });
  const { engine } = world.boot({ retention });
  retention.tenants.add(ACME.tenant);
  // More than a step of the sweep takes. None counts any more: the tenant cannot tell.
  for (let i = 0; i < 101; i++) await engine.files.delete(ACME, (await upload(engine, `${i}`)).id);
  const theirs = await upload(engine, 'theirs', { expiresAfter: 1 }, RIVAL);
  world.pass(60_000);
  expect(await engine.files.sweep()).toBe(1);
  expect(world.data.get('local')?.files.has(theirs.id)).toBe(false);
  expect(desk.kept.size).toBe(101);
  retention.tenants.clear();
  expect(await engine.files.sweep()).toBe(101);
  expect(desk.kept.size).toBe(0);
});
