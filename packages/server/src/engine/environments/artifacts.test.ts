import { environmentParam, parseBody, type SessionArtifact } from '@perdure/protocol';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { homeTag, type HomeId, makeIds, type SessionId } from '../../kernel/ids.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { DeskInMemory } from '../files/desk.test-support.ts';
import type { Caller } from '../caller.ts';
import { ACME, type Booted, codeOf, RIVAL, World } from '../world.test-support.ts';
import type { CollectFrom } from './artifacts.ts';
import { DEFAULT_ENVIRONMENT_LIMITS, type EnvironmentLimits } from './desk.ts';
import { FolderWorkspaces } from './folder-workspaces.test-support.ts';

const HOME = 'local' as HomeId;
const ids = makeIds({ now: () => 1_774_008_000_000 }, into => into.fill(7));
const SESSION = ids.next('sess', homeTag(HOME)) as SessionId;
const turn = () => ({ id: ids.next('resp', homeTag(HOME)).replace('resp', 'turn'), seq: 3 });

let workspaces: FolderWorkspaces;
let desk: DeskInMemory;
let world: World;
let booted: Booted;
let environment: string;

async function on(limits: Partial<EnvironmentLimits> = {}, files = new DeskInMemory()): Promise<void> {
  workspaces = new FolderWorkspaces();
  desk = files;
  const environments = { workspaces, limits: { ...DEFAULT_ENVIRONMENT_LIMITS, ...limits }, url: () => null };
  world = new World({ files, environments });
  booted = world.boot();
  const given = parseBody(environmentParam, { type: 'openai_hosted' });
  if (!given.ok) throw given.error;
  const { sessions } = booted.engine.environments;
  environment =
    (await sessions.bind(ACME, { given: given.value, vaults: [], of: { session: SESSION, home: HOME } })).id ?? '';
}
beforeEach(() => on());
afterEach(() => workspaces.remove());

const place = (path: string): string =>
  join(workspaces.path({ tenant: ACME.tenant, id: environment }), 'outputs', path);
/** Distinct times: two writes of one moment look alike. */
let moment = 1_700_000_000;
function leave(path: string, text: string): void {
  mkdirSync(dirname(place(path)), { recursive: true });
  writeFileSync(place(path), text);
  moment += 1;
  utimesSync(place(path), moment, moment);
}
const store = (): HomeStore => booted.stores[0] as HomeStore;
async function collect(
  of: CollectFrom['turn'],
): Promise<{ paths: string[]; skipped: string[]; all: readonly SessionArtifact[] }> {
  const { environments } = booted.engine;
  const { workspace } = await environments.sessions.use(ACME.tenant, environment);
  const from = { tenant: ACME.tenant, session: SESSION, turn: of, environment, workspace, labels: ['restricted'] };
  const { artifacts, skipped } = await environments.artifacts.collect(from);
  return {
    all: artifacts,
    paths: artifacts.map(({ path }) => path),
    skipped: skipped.map(({ path, why }) => `${path} ${why}`),
  };
}
const listed = async (caller: Caller = ACME, session: string = SESSION) => {
  const query = { order: 'asc', limit: 100, after: null, environment: null } as const;
  return (await booted.engine.environments.artifacts.list(caller, session, query)).entries;
};
const contentOf = async (id: string): Promise<string> => {
  const { bytes } = await booted.engine.environments.artifacts.content(ACME, SESSION, id);
  let text = '';
  for await (const part of bytes) text += Buffer.from(part).toString();
  return text;
};

test('what a turn made or changed becomes an artifact; what it left alone does not', async () => {
  leave('a.txt', 'one');
  leave('deep/b.txt', 'two');
  const first = turn();
  const made = await collect(first);
  expect(made.paths).toEqual(['/workspace/outputs/a.txt', '/workspace/outputs/deep/b.txt']);
  expect(made.all[0]).toEqual({
    id: made.all[0]?.id,
    created_at: 1_774_008_000,
    environment_id: environment,
    object: 'agent.session.artifact',
    path: '/workspace/outputs/a.txt',
    session_id: SESSION,
    size_bytes: 3,
    turn_id: first.id,
  });
  expect((await collect(turn())).paths).toEqual([]);
  leave('a.txt', 'changed');
  leave('deep/b.txt', 'two');
  expect((await collect(turn())).paths).toEqual(['/workspace/outputs/a.txt']);
  // The older one stays as it was.
  expect(await Promise.all((await listed()).map(({ id }) => contentOf(id)))).toEqual(
    expect.arrayContaining(['one', 'two', 'changed']),
  );
  const file = await store().file(ACME.tenant, made.all[0]?.id ?? '');
  expect(file).toMatchObject({ labels: ['restricted'], owner: { session: SESSION, seq: 3 }, purpose: 'artifact' });
});

test('A1: a turn that is collected again makes no second one, wherever it was cut', async () => {
  leave('a', 'A');
  leave('b', 'B');
  const one = turn();
  desk.broken = 'put';
  expect(await codeOf(collect(one))).toBe('store_unavailable');
  expect(await listed()).toEqual([]);
  desk.broken = null;
  booted = world.boot();
  const made = await collect(one);
  expect(made.paths).toHaveLength(2);
  // As if the note of what was collected had been lost.
  leave('a', 'A');
  const row = await store().resource('environment', ACME.tenant, environment);
  const record = JSON.parse(row?.body ?? '') as object;
  if (row !== null)
    await store().changeResources(
      [{ op: 'put', row: { ...row, version: row.version + 1, body: JSON.stringify({ ...record, outputs: [] }) } }],
      null,
    );
  expect((await collect(one)).all.map(({ id }) => id)).toEqual(made.all.map(({ id }) => id));
  expect(await listed()).toHaveLength(2);
  expect(await Promise.all(made.all.map(({ id }) => contentOf(id)))).toEqual(['A', 'B']);
});

test('bounds, from both sides: bytes of one, files that are looked at, the tenant’s quota', async () => {
  await on({ artifactBytes: 4, artifactFiles: 2 }, new DeskInMemory({ tenantBytes: 9 }));
  leave('a', '1234');
  leave('b', '12345');
  expect(await collect(turn())).toMatchObject({
    paths: ['/workspace/outputs/a'],
    skipped: ['/workspace/outputs/b too_large'],
  });
  rmSync(place('b'));
  leave('c', '12345678');
  leave('d', '1');
  await on({ artifactFiles: 2 }, new DeskInMemory({ tenantBytes: 9 }));
  leave('a', '1234');
  leave('b', '12345');
  expect((await collect(turn())).skipped).toEqual([]);
  leave('b', '123456');
  leave('c', '');
  expect((await collect(turn())).skipped).toEqual(['/workspace/outputs too_many', '/workspace/outputs/b quota']);
});

test('they are deleted with their bytes, at once or by the sweep', async () => {
  leave('a', 'A');
  leave('b', 'B');
  const [a, b] = (await collect(turn())).all;
  const { environments } = booted.engine;
  const { artifacts } = environments;
  await artifacts.delete(ACME, SESSION, a?.id ?? '');
  expect(await codeOf(artifacts.read(ACME, SESSION, a?.id ?? ''))).toBe('artifact_not_found');
  expect([...desk.kept.keys()].some(key => key.includes(a?.id ?? '-'))).toBe(false);
  expect(await store().resource('artifact', ACME.tenant, a?.id ?? '')).toBe(null);
  desk.broken = 'delete';
  await artifacts.delete(ACME, SESSION, b?.id ?? '');
  expect(await listed()).toEqual([]);
  expect(desk.kept.size).toBe(1);
  desk.broken = null;
  await environments.sweep();
  await booted.engine.files.sweep();
  expect(desk.kept.size).toBe(0);
  expect(await store().resource('artifact', ACME.tenant, b?.id ?? '')).toBe(null);
});

test('they outlive their environment, and end with their session; L10: nobody else finds them', async () => {
  leave('a', 'A');
  const [a] = (await collect(turn())).all;
  const { environments } = booted.engine;
  world.pass(DEFAULT_ENVIRONMENT_LIMITS.expireMs);
  await environments.sweep();
  expect((await environments.read(ACME, environment)).status).toBe('expired');
  expect(await contentOf(a?.id ?? '')).toBe('A');
  expect(await listed(RIVAL)).toEqual([]);
  expect(await codeOf(environments.artifacts.content(RIVAL, SESSION, a?.id ?? ''))).toBe('artifact_not_found');
  const other = ids.next('sess', homeTag(HOME));
  expect(await codeOf(environments.artifacts.read(ACME, other, a?.id ?? ''))).toBe('artifact_not_found');
  expect(await listed(ACME, other)).toEqual([]);
  await environments.sessions.end(ACME.tenant, { session: SESSION, environment });
  expect(await listed()).toEqual([]);
  expect(desk.kept.size).toBe(0);
});
