import { parseCreateAgent, parseUpdateAgent } from '@perdure/protocol';
import { createHash, randomFillSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { type HomeId, makeIds, type TenantId } from '../../kernel/ids.ts';
import { auditEntry } from '../../main/govern/audit.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import { type AgentBounds, makeAgents, resolveAgent } from './agents.ts';
import { sweepDeletedAgents } from './sweep.ts';
import { canonicalJson, tombstoneId } from './version.ts';

const ACME = { tenant: 'acme' as TenantId, principal: 'key_1' };
const RIVAL = { tenant: 'rival' as TenantId, principal: 'key_2' };

function world(bounds?: AgentBounds) {
  let at = 1_774_008_000_000;
  const clock = { now: () => at, monotonic: () => at };
  const store = openMemoryHome({ home: 'local' as HomeId, clock });
  const agents = makeAgents({
    store,
    now: () => at,
    ids: makeIds(clock, into => randomFillSync(into)),
    random: into => randomFillSync(into),
    sha256: (...parts) => {
      const hash = createHash('sha256');
      for (const part of parts) hash.update(part);
      return hash.digest();
    },
    audit: ({ who, ...rest }) => auditEntry({ ...rest, actor: who }),
    ...(bounds !== undefined && { bounds }),
  });
  const body = (given: object) => must(parseCreateAgent(given));
  const later = (given: object) => must(parseUpdateAgent(given));
  return { store, agents, body, later, pass: (ms: number) => (at += ms), now: () => at };
}

function must<T>(parsed: { ok: true; value: T } | { ok: false; error: Error }): T {
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

const ALL = { order: 'desc', limit: 100, after: null } as const;

test('G1: each change makes a version, in one commit with an audit entry that holds no content', async () => {
  const { agents, body, later, store, pass } = world();
  const made = await agents.create(ACME, body({ model: 'm', instructions: 'Hush now.', name: 'One' }));
  pass(5000);
  const changed = await agents.update(ACME, made.id, later({ instructions: null, metadata: { a: 'b' } }));
  expect(changed).toMatchObject({ createdAt: made.createdAt, updatedAt: made.updatedAt + 5000 });
  expect(changed.now).toMatchObject({ version: 2, name: 'One', metadata: { a: 'b' }, config: { model: 'm' } });
  expect(changed.now.config.instructions).toBeNull();
  expect(await agents.read(ACME, made.id)).toEqual(changed);
  // The older one is what it was.
  expect(await agents.version(ACME, made.id, 1)).toEqual(made.now);
  const back = await agents.rollBack(ACME, made.id, 1);
  expect(back.now).toMatchObject({ version: 3, rolledBackTo: 1, name: 'One', metadata: {} });
  expect(back.now.config).toEqual(made.now.config);
  expect((await agents.versions(ACME, made.id, ALL)).data.map(({ version }) => version)).toEqual([3, 2, 1]);
  const audit = await store.audit(0, 10);
  expect(audit.map(({ action, subject, tenant, actor }) => [action, subject, tenant, actor])).toEqual(
    ['agent.created', 'agent.updated', 'agent.rolled_back'].map(action => [action, made.id, 'acme', 'key_1']),
  );
  expect(JSON.stringify(audit)).not.toContain('Hush');
  expect(audit.map(row => JSON.parse(row.body))).toEqual([
    { version: 1, digest: made.now.digest },
    { version: 2, digest: changed.now.digest },
    { version: 3, digest: back.now.digest, rolled_back_to: 1 },
  ]);
});

test('a change that changes nothing makes no version', async () => {
  const { agents, body, later } = world();
  const made = await agents.create(ACME, body({ model: 'm', tools: [{ type: 'tool_search' }] }));
  for (const same of [{}, { model: 'm' }, { tools: [{ type: 'tool_search' }] }, { experimental: {} }])
    expect((await agents.update(ACME, made.id, later(same))).now.version).toBe(1);
  expect((await agents.update(ACME, made.id, later({ experimental: { time_awareness: true } }))).now.version).toBe(2);
});

test('G2: of many changes at once each is made on what the others left', async () => {
  const { agents, body, later } = world();
  const { id } = await agents.create(ACME, body({ model: 'm' }));
  const changes = [{ model: 'n' }, { name: 'N' }, { instructions: 'i' }, { metadata: { k: 'v' } }];
  const made = await Promise.all(changes.map(one => agents.update(ACME, id, later(one))));
  expect(made.map(({ now }) => now.version).toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5]);
  expect((await agents.read(ACME, id)).now).toMatchObject({
    version: 5,
    name: 'N',
    metadata: { k: 'v' },
    config: { model: 'n', instructions: 'i' },
  });
});

test('G2: a change by another process that comes between is not lost', async () => {
  const { agents, body, later, store } = world();
  const { id } = await agents.create(ACME, body({ model: 'm' }));
  const other = makeAgents({
    store,
    now: () => 1,
    ids: { next: () => '' },
    random: into => into,
    sha256: () => new Uint8Array(32),
    audit: ({ who, ...rest }) => auditEntry({ ...rest, actor: who }),
  });
  await Promise.all([agents.update(ACME, id, later({ model: 'n' })), other.update(ACME, id, later({ name: 'N' }))]);
  expect((await agents.read(ACME, id)).now).toMatchObject({ version: 3, name: 'N', config: { model: 'n' } });
});

test('L10: an agent of another tenant is none, on every verb', async () => {
  const { agents, body, store } = world();
  const { id } = await agents.create(ACME, body({ model: 'm' }));
  const gone = { code: 'agent_not_found', status: 404 };
  await expect(agents.read(RIVAL, id)).rejects.toMatchObject(gone);
  await expect(agents.update(RIVAL, id, { config: {}, secrets: [] })).rejects.toMatchObject(gone);
  await expect(agents.rollBack(RIVAL, id, 1)).rejects.toMatchObject(gone);
  await expect(agents.delete(RIVAL, id)).rejects.toMatchObject(gone);
  await expect(agents.versions(RIVAL, id, ALL)).rejects.toMatchObject(gone);
  await expect(agents.version(RIVAL, id, 1)).rejects.toMatchObject(gone);
  await expect(resolveAgent(store, RIVAL.tenant, id, 1)).rejects.toMatchObject(gone);
  await expect(resolveAgent(store, RIVAL.tenant, id, null)).rejects.toMatchObject(gone);
  expect((await agents.list(RIVAL, ALL)).data).toEqual([]);
  expect((await agents.list(ACME, ALL)).data.map(one => one.id)).toEqual([id]);
});

test('G3: a deleted agent is gone, its versions are there until no session names them', async () => {
  const { agents, body, later, store, pass, now } = world();
  const { id } = await agents.create(ACME, body({ model: 'm' }));
  const last = await agents.update(ACME, id, later({ model: 'n' }));
  await agents.delete(ACME, id);
  await expect(agents.read(ACME, id)).rejects.toMatchObject({ code: 'agent_not_found' });
  await expect(agents.update(ACME, id, later({ model: 'o' }))).rejects.toMatchObject({ code: 'agent_not_found' });
  await expect(resolveAgent(store, ACME.tenant, id, null)).rejects.toMatchObject({ code: 'agent_not_found' });
  expect((await agents.list(ACME, ALL)).data).toEqual([]);
  // A session that ran it goes on.
  expect(await resolveAgent(store, ACME.tenant, id, 2)).toEqual({
    id,
    version: 2,
    name: null,
    config: last.now.config,
    digest: last.now.digest,
  });
  expect((await agents.versions(ACME, id, { ...ALL, order: 'asc' })).data.map(one => one.version)).toEqual([1, 2]);
  await expect(agents.version(ACME, id, 3)).rejects.toMatchObject({ code: 'agent_version_not_found' });
  let named = true;
  const sweep = (): Promise<number> => sweepDeletedAgents(store, now(), async () => named);
  named = false;
  // Who resolved it before it was deleted may make a session of it still.
  expect(await sweep()).toBe(0);
  pass(3_600_000);
  named = true;
  expect(await sweep()).toBe(0);
  named = false;
  expect(await sweep()).toBe(0);
  pass(24 * 3_600_000);
  expect(await sweep()).toBe(1);
  await expect(agents.versions(ACME, id, ALL)).rejects.toMatchObject({ code: 'agent_not_found' });
  expect(await store.countResources({ kind: 'agent_version', tenant: ACME.tenant })).toBe(0);
  expect(await store.resource('agent_version', ACME.tenant, tombstoneId(id))).toBeNull();
});

test('a sweep removes more versions than one commit takes', async () => {
  const { agents, body, later, store, pass, now } = world();
  const { id } = await agents.create(ACME, body({ model: 'm' }));
  for (let i = 0; i < 140; i++) await agents.update(ACME, id, later({ model: `m${i}` }));
  const other = await agents.create(ACME, body({ model: 'kept' }));
  await agents.delete(ACME, id);
  pass(3_600_000);
  expect(await sweepDeletedAgents(store, now(), async () => false)).toBe(1);
  expect(await store.countResources({ kind: 'agent_version', tenant: ACME.tenant })).toBe(1);
  expect(await agents.read(ACME, other.id)).toEqual(other);
});

test('bounds hold from both sides: agents of a tenant, versions of an agent', async () => {
  const { agents, body, later } = world({ agents: 2, versions: 3 });
  const full = { code: 'quota_exceeded', status: 403 };
  const [one] = await Promise.all([1, 2].map(() => agents.create(ACME, body({ model: 'm' }))));
  await expect(agents.create(ACME, body({ model: 'm' }))).rejects.toMatchObject(full);
  await agents.create(RIVAL, body({ model: 'm' }));
  const id = one?.id ?? '';
  await agents.update(ACME, id, later({ model: 'n' }));
  await agents.update(ACME, id, later({ model: 'o' }));
  await expect(agents.update(ACME, id, later({ model: 'p' }))).rejects.toMatchObject(full);
  await expect(agents.rollBack(ACME, id, 1)).rejects.toMatchObject(full);
  expect((await agents.read(ACME, id)).now).toMatchObject({ version: 3, config: { model: 'o' } });
  await agents.delete(ACME, id);
  const again = await Promise.allSettled([1, 2].map(() => agents.create(ACME, body({ model: 'm' }))));
  expect(again.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

test('the longest agent is kept, a longer one refused', async () => {
  const { agents } = world();
  const one = (chars: number) => ({ config: { model: 'm', instructions: 'x'.repeat(chars) }, secrets: [] });
  const fits = await agents.create(ACME, one(8 * 1024 * 1024 - 2000));
  expect(fits.now.config.instructions).toHaveLength(8 * 1024 * 1024 - 2000);
  await expect(agents.create(ACME, one(8 * 1024 * 1024))).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(agents.update(ACME, fits.id, one(8 * 1024 * 1024))).rejects.toMatchObject({ code: 'invalid_request' });
});

test('lists go page by page, and a page of large agents ends early', async () => {
  const { agents, body, pass } = world();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    pass(1);
    ids.push((await agents.create(ACME, body({ model: `m${i}` }))).id);
  }
  const first = await agents.list(ACME, { order: 'asc', limit: 3, after: null });
  expect([first.data.map(one => one.id), first.hasMore]).toEqual([ids.slice(0, 3), true]);
  const rest = await agents.list(ACME, { order: 'asc', limit: 2, after: ids[2] ?? null });
  expect([rest.data.map(one => one.id), rest.hasMore]).toEqual([ids.slice(3), false]);
  const large = { config: { model: 'm', instructions: 'x'.repeat(7_000_000) }, secrets: [] };
  for (let i = 0; i < 4; i++) {
    pass(1);
    await agents.create(ACME, large);
  }
  const short = await agents.list(ACME, { order: 'desc', limit: 100, after: null });
  expect([short.data.length, short.hasMore]).toEqual([3, true]);
  const next = await agents.list(ACME, { order: 'desc', limit: 100, after: short.data.at(-1)?.id ?? '' });
  expect([next.data.length, next.hasMore]).toEqual([6, false]);
});

test('versions go page by page from either end', async () => {
  const { agents, body, later } = world();
  const { id } = await agents.create(ACME, body({ model: 'm' }));
  for (let i = 2; i <= 5; i++) await agents.update(ACME, id, later({ model: `m${i}` }));
  const page = async (order: 'asc' | 'desc', after: number | null) => {
    const from = after === null ? null : `agentver_${id.slice(6)}000${after}`;
    const { data, hasMore } = await agents.versions(ACME, id, { order, limit: 2, after: from });
    return [data.map(one => one.version), hasMore];
  };
  expect(await page('desc', null)).toEqual([[5, 4], true]);
  expect(await page('desc', 4)).toEqual([[3, 2], true]);
  expect(await page('desc', 2)).toEqual([[1], false]);
  expect(await page('asc', null)).toEqual([[1, 2], true]);
  expect(await page('asc', 3)).toEqual([[4, 5], false]);
  await agents.delete(ACME, id);
  expect(await page('desc', null)).toEqual([[5, 4], true]);
});

test('anybody can compute the digest of a version from what is shown', async () => {
  const { agents, body } = world();
  const { now } = await agents.create(ACME, body({ model: 'm', metadata: { b: '1', a: '2' } }));
  const text = canonicalJson({
    compaction: { async: true },
    experimental: { time_awareness: false },
    instructions: null,
    metadata: { a: '2', b: '1' },
    model: 'm',
    multi_agent: { enabled: false, max_concurrent_subagents: null },
    name: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'auto',
    text: { format: { type: 'text' }, verbosity: 'medium' },
    tools: [],
  });
  expect(text.startsWith('{"compaction":{"async":true},"experimental"')).toBe(true);
  expect(createHash('sha256').update(now.salt).update(text).digest('hex')).toBe(now.digest);
});

test('what is secret has no place in a stored agent', () => {
  const mcp = (transport: object) => ({ model: 'm', tools: [{ type: 'mcp', server_label: 'a', transport }] });
  const http = { type: 'http', server_url: 'https://a.example' };
  const stdio = { type: 'stdio', command: 'c', cwd: '/' };
  const refused = (parse: typeof parseCreateAgent, transport: object) => {
    const parsed = parse(mcp(transport));
    return parsed.ok ? 'taken' : `${parsed.error.code} ${parsed.error.param}`;
  };
  for (const parse of [parseCreateAgent, parseUpdateAgent]) {
    const at = 'unsupported_parameter tools[0].transport';
    expect(refused(parse, { ...http, authorization: 'Bearer x' })).toBe(`${at}.authorization`);
    expect(refused(parse, { ...http, headers: { 'X-Api-Key': 'x' } })).toBe(`${at}.headers`);
    expect(refused(parse, { ...stdio, env: { A: 'x' } })).toBe(`${at}.env`);
    expect(refused(parse, { ...http, headers: { 'X-Team': 'x' } })).toBe('taken');
    expect(refused(parse, { ...stdio, env_vars: ['A'] })).toBe('taken');
  }
  expect(parseCreateAgent({}).ok).toBe(false);
  expect(parseUpdateAgent({}).ok).toBe(true);
});
