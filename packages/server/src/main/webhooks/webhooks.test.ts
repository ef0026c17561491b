/** Webhooks from the log to a receiver over HTTP, verified by OpenAI's own client. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CreateWebhook } from '@perdure/protocol';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Caller } from '../../engine/caller.ts';
import { type Feed, followFeed } from '../../engine/feed/follow.ts';
import type { WebhookView } from '../../http/perdure/webhook-view.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { EgressRules } from '../../provider/egress/rules.ts';
import { makeSender } from '../../provider/webhook/deliver.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { emptyMemoryData } from '../../store/memory/memory-data.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import { HOME, LogWriter } from '../approvals/log-writer.test-support.ts';
import type { WebhookConfig } from '../config/agent-rules.ts';
import { DEFAULT_EGRESS } from '../config/egress.ts';
import { WebhookBook } from './book.ts';
import { type Deliveries, DELIVERED_KEPT, startDeliveries } from './deliveries.ts';
import { makeWebhookDesk } from './desk.ts';
import { messageIds, webhookMessages } from './messages.ts';
import { secretBox } from './secrets.ts';

vi.setConfig({ testTimeout: 30_000 });

interface Taken {
  readonly headers: Headers;
  readonly body: string;
}

interface Told {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly [name: string]: unknown };
}

const client = new OpenAI({ apiKey: 'none' });
const admin: Caller = {
  tenant: 'acme' as TenantId,
  principal: 'admin',
  product: 'api',
  channel: 'direct',
  segment: 'commercial',
  scopes: ['admin'],
};

let receiver: Server;
let port = 0;
let taken: Taken[] = [];
let answer: () => number = () => 204;
let store: HomeStore;
let log: LogWriter;
let clock = { ahead: 0 };
let lines: string[] = [];
let running: { feed: Feed; deliveries: Deliveries; view: WebhookView; book: WebhookBook } | null = null;

beforeEach(async () => {
  taken = [];
  lines = [];
  answer = () => 204;
  clock = { ahead: 0 };
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = answer();
      if (status < 300)
        taken.push({
          headers: new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks).toString(),
        });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve));
  port = (receiver.address() as AddressInfo).port;
  store = openMemoryHome({ home: HOME, clock: { now: Date.now, monotonic: Date.now }, data: emptyMemoryData() });
  log = new LogWriter(store);
});

afterEach(async () => {
  await stop();
  receiver.closeAllConnections();
  await new Promise(resolve => receiver.close(resolve));
});

async function stop(): Promise<void> {
  await running?.feed.close();
  await running?.deliveries.close();
  running = null;
}

const here = (): string => `127.0.0.1:${port}`;
const open = (): EgressRules => ({ ...DEFAULT_EGRESS, mode: 'allow-list', hosts: [here()], privateHosts: [here()] });

async function start(
  over: { readonly configured?: readonly WebhookConfig[]; readonly egress?: EgressRules; readonly key?: number } = {},
): Promise<WebhookView> {
  const now = (): number => Date.now() + clock.ahead;
  const next = messageIds(now, () => Math.random().toString(16).slice(2, 10).padEnd(8, '0'));
  const box = secretBox(new Uint8Array(32).fill(over.key ?? 7));
  const book = await WebhookBook.open(store, { box, configured: over.configured ?? [], now });
  const deliveries = startDeliveries({
    book,
    store,
    sender: makeSender(2_000, now),
    now,
    retryMs: 20,
    failingMs: 3_600_000,
    random: Math.random,
    report: (what, error) => lines.push(`${what} ${String(error)}`),
    log: line => lines.push(line),
  });
  const feed = followFeed({
    homes: [store],
    control: store,
    consumers: [webhookMessages(book, next, ids => deliveries.wake(ids))],
    everyMs: 20,
    now,
    report: (what, error) => lines.push(`${what} ${String(error)}`),
    log: () => undefined,
  });
  const view = makeWebhookDesk({ book, store, deliveries, egress: over.egress ?? open(), now, next });
  running = { feed, deliveries, view, book };
  return view;
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`it never came: ${taken.length} ${lines.join('\n')}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

const wanted = (over: Partial<CreateWebhook> = {}): CreateWebhook => ({
  name: 'ours',
  url: `http://${here()}/hook?token=hidden`,
  event_types: ['perdure.approval.requested', 'perdure.approval.granted', 'agent.session.action_required'],
  ...over,
});
const told = (): readonly Told[] => taken.map(({ body }) => JSON.parse(body) as Told);
const unwrap = (one: Taken | undefined, secret: string, body = one?.body ?? ''): Promise<unknown> =>
  Promise.resolve(client.webhooks.unwrap(body, one?.headers ?? new Headers(), secret));

describe('what is told', () => {
  test('is what the log says, in order, with ids and no content, and unwraps with the client of OpenAI', async () => {
    const view = await start();
    const { signing_secret: secret } = await view.create(admin, wanted());
    expect(secret).toMatch(/^whsec_/);
    const session = log.session();
    const id = await log.asks(session);
    await log.write(session, [{ type: 'approval.granted', head: { approval: id }, payload: null }], 'key:boss');
    await until(() => taken.length === 3);
    expect(told().map(({ type }) => type)).toEqual([
      'perdure.approval.requested',
      'agent.session.action_required',
      'perdure.approval.granted',
    ]);
    expect(await unwrap(taken[0], secret)).toMatchObject({
      object: 'event',
      type: 'perdure.approval.requested',
      data: { id, session_id: session.session },
    });
    expect(told()[2]?.data).toEqual({ id, session_id: session.session, decided_by: 'key:boss' });
    expect(taken.map(({ body }) => body).join('')).not.toMatch(/b\.test|send_mail/);
    await expect(unwrap(taken[0], secret, taken[0]?.body.replace(id, 'appr_other'))).rejects.toThrow('signature');
    await expect(unwrap(taken[0], `whsec_${Buffer.alloc(32).toString('base64')}`)).rejects.toThrow('signature');
    const old = new Headers(taken[0]?.headers);
    old.set('webhook-timestamp', String(Number(old.get('webhook-timestamp')) - 3600));
    await expect(Promise.resolve(client.webhooks.unwrap(taken[0]?.body ?? '', old, secret))).rejects.toThrow('old');
  });

  test('is of the own tenant, and of the events that were asked for', async () => {
    const view = await start();
    await view.create(admin, wanted({ event_types: ['perdure.approval.denied'] }));
    await view.create({ ...admin, tenant: 'rival' as TenantId }, wanted());
    const session = log.session();
    const id = await log.asks(session);
    await log.write(session, [{ type: 'approval.denied', head: { approval: id }, payload: { reason: 'secret' } }]);
    await until(() => taken.length > 0);
    await running?.feed.caughtUp();
    expect(told().map(({ type }) => type)).toEqual(['perdure.approval.denied']);
    expect(taken[0]?.body).not.toContain('secret');
  });

  test('of a configured webhook for all tenants names the tenant', async () => {
    const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
    const config: WebhookConfig = {
      id: 'all',
      url: wanted().url,
      secret,
      events: ['perdure.approval.requested'],
      tenant: '*',
      allowPrivate: true,
    };
    const view = await start({ configured: [config] });
    const id = await log.asks(log.session('rival'));
    await until(() => taken.length === 1);
    expect(await unwrap(taken[0], secret)).toMatchObject({ data: { id, tenant: 'rival' } });
    const [listed] = (await view.list({ ...admin, scopes: ['operator'] }, { limit: 20, order: 'asc' })).data;
    expect(listed).toMatchObject({ name: 'all', source: 'config', signing_secret_hint: `...${secret.slice(-4)}` });
    expect((await view.list(admin, { limit: 20, order: 'asc' })).data).toEqual([]);
    // Its secret is in no row, and who cannot see it cannot change it.
    expect(JSON.stringify(await store.dueResources('webhook', Number.MAX_SAFE_INTEGER, 10))).not.toContain(secret);
    const operator = { ...admin, scopes: ['operator'] };
    await expect(view.rotate(operator, listed?.id ?? '', {})).rejects.toMatchObject({ code: 'invalid_request' });
    await stop();
    const after = await start({ configured: [] });
    expect((await after.list(operator, { limit: 20, order: 'asc' })).data).toEqual([]);
  });
});

describe('delivery', () => {
  test('D1, D2: comes at least once and in order, over failures and a restart, under one id each', async () => {
    const view = await start();
    const { id: webhook } = await view.create(admin, wanted({ event_types: ['perdure.approval.requested'] }));
    let asked = 0;
    answer = () => (asked++ % 3 === 2 ? 204 : 503);
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) ids.push(await log.asks(log.session()));
    await until(() => taken.length >= 2);
    await stop();
    for (let i = 0; i < 4; i++) ids.push(await log.asks(log.session()));
    await start();
    await until(() => new Set(taken.map(({ headers }) => headers.get('webhook-id'))).size === 10);
    const first = new Map(taken.map(one => [one.headers.get('webhook-id'), JSON.parse(one.body) as Told]));
    expect([...first.values()].map(({ data }) => data['id'])).toEqual(ids);
    await until(() => lines.some(line => line.includes('webhook ours failed (status 503)')));
    expect(lines.join('\n')).not.toMatch(/hidden/);
    const page = await running?.view.deliveries(admin, webhook, { limit: 4, order: 'desc' });
    expect(page?.data.map(({ event_type: type }) => type)).toEqual(
      Array.from({ length: 4 }, () => 'perdure.approval.requested'),
    );
    expect(page?.has_more).toBe(true);
  });

  test('D3: one that fails for too long is told nothing, keeps what waits, and is told it when it is enabled again', async () => {
    const view = await start();
    const { id } = await view.create(admin, wanted({ event_types: ['perdure.approval.requested'] }));
    answer = () => 500;
    const first = await log.asks(log.session());
    await until(() => lines.some(line => line.includes('failed (status 500)')));
    expect(await view.get(admin, id)).toMatchObject({ status: 'enabled', last_error: 'status 500' });
    clock.ahead = 3_600_000;
    await until(() => lines.some(line => line.includes('told nothing any more')));
    expect(await view.get(admin, id)).toMatchObject({
      status: 'disabled',
      failing_since: expect.any(Number) as number,
    });
    expect((await store.audit(0, 100)).map(({ action }) => action)).toEqual(['webhook.created', 'webhook.disabled']);
    await log.asks(log.session());
    await running?.feed.caughtUp();
    answer = () => 200;
    expect(await view.enable(admin, id)).toMatchObject({ status: 'enabled', failing_since: null, last_error: null });
    await until(() => taken.length === 1);
    expect(told()[0]?.data['id']).toBe(first);
    // The row follows the answer of the one that was told.
    const rows = async (): Promise<readonly { status: string }[]> =>
      (await view.deliveries(admin, id, { limit: 10, order: 'asc' })).data;
    await until(async () => (await rows())[0]?.status === 'delivered');
    expect(await rows()).toMatchObject([{ status: 'delivered', webhook_id: id }]);
  });

  test('what was delivered is listed up to a bound, what waits after it', async () => {
    const view = await start();
    const { id } = await view.create(admin, wanted({ event_types: ['perdure.approval.requested'] }));
    const session = log.session();
    for (let i = 0; i < DELIVERED_KEPT + 5; i++) await log.asks(session);
    await until(() => taken.length === DELIVERED_KEPT + 5);
    await until(() => running !== null && lines.length === 0);
    answer = () => 503;
    await log.asks(session);
    await until(() => lines.length > 0);
    const all: { id: string; status: string }[] = [];
    for (let after: string | undefined; ; ) {
      const page = await view.deliveries(admin, id, { limit: 30, order: 'asc', ...(after !== undefined && { after }) });
      all.push(...page.data);
      if (!page.has_more) break;
      after = page.last_id ?? '';
    }
    expect(all.length).toBe(DELIVERED_KEPT + 1);
    expect(all.map(one => one.id)).toEqual(all.map(one => one.id).toSorted());
    expect(all.at(-1)?.status).toBe('pending');
  });
});

describe('secrets', () => {
  test('are rotated with both signing for a while, and only the new one after it', async () => {
    const view = await start();
    const { id, signing_secret: old } = await view.create(admin, wanted());
    const rotated = await view.rotate(admin, id, { keep_old_secret_for_hours: 1 });
    expect(rotated.old_secret_until).not.toBeNull();
    const session = log.session();
    await log.asks(session);
    await until(() => taken.length === 2);
    for (const secret of [old, rotated.signing_secret])
      expect(await unwrap(taken[0], secret)).toHaveProperty('type', 'perdure.approval.requested');
    clock.ahead = 3_600_000;
    taken = [];
    await log.asks(session);
    await until(() => taken.length === 2);
    const [one] = taken;
    one?.headers.set('webhook-timestamp', one.headers.get('webhook-timestamp') ?? '');
    const late = { now: Date.now() + clock.ahead };
    vi.useFakeTimers({ now: late.now, toFake: ['Date'] });
    try {
      expect(await unwrap(one, rotated.signing_secret)).toHaveProperty('object', 'event');
      await expect(unwrap(one, old)).rejects.toThrow('signature');
    } finally {
      vi.useRealTimers();
    }
    const at = await view.rotate(admin, id, { keep_old_secret_for_hours: 0 });
    expect(at.old_secret_until).toBeNull();
  });

  test('L9: lie sealed in the store, and open for their own webhook with the own key only', async () => {
    const view = await start();
    const { id, signing_secret: secret } = await view.create(admin, wanted());
    const rows = await store.dueResources('webhook', Number.MAX_SAFE_INTEGER, 10);
    const audit = await store.audit(0, 10);
    expect(JSON.stringify([rows, audit])).not.toContain(secret.slice('whsec_'.length));
    expect(JSON.stringify([audit, await view.get(admin, id)])).not.toMatch(/"signing_secret":|sealed/);
    expect(JSON.stringify(audit)).not.toMatch(/hidden/);
    const webhook = running?.book.one(id);
    if (webhook === undefined) throw new Error('no webhook');
    expect(running?.book.secrets(webhook)).toEqual([secret]);
    const moved = { ...webhook, row: { ...webhook.row, tenant: 'rival' as TenantId } };
    expect(running?.book.secrets(moved)).toEqual([]);
    await stop();
    await start({ key: 8 });
    expect(running?.book.secrets(webhook)).toEqual([]);
  });
});

describe('the desk', () => {
  test('L10: another tenant reaches no webhook', async () => {
    const view = await start();
    const { id } = await view.create(admin, wanted());
    const rival = { ...admin, tenant: 'rival' as TenantId, scopes: ['admin', 'operator'] };
    expect((await view.list(rival, { limit: 20, order: 'asc' })).data).toEqual([]);
    for (const reach of [
      () => view.get(rival, id),
      () => view.delete(rival, id),
      () => view.rotate(rival, id, {}),
      () => view.enable(rival, id),
      () => view.test(rival, id, {}),
      () => view.deliveries(rival, id, { limit: 1, order: 'asc' }),
    ])
      await expect(reach()).rejects.toMatchObject({ code: 'webhook_not_found' });
    answer = () => 503;
    for (let i = 0; i < 40; i++) await log.asks(log.session());
    await until(() => lines.length > 0);
    await view.delete(admin, id);
    const waits = { kind: 'webhook_delivery', tenant: 'acme' as TenantId } as const;
    expect(await store.countResources(waits)).toBe(0);
    await expect(view.get(admin, id)).rejects.toMatchObject({ code: 'webhook_not_found' });
  });

  test('a test is sent at once, and told as it was answered', async () => {
    const view = await start();
    const { id, signing_secret: secret } = await view.create(admin, wanted());
    expect(await view.test(admin, id, {})).toMatchObject({ success: true, status_code: 204, error: null });
    expect(await unwrap(taken[0], secret)).toMatchObject({ type: 'perdure.approval.requested', data: { id: 'test' } });
    answer = () => 418;
    expect(await view.test(admin, id, { event_type: 'agent.session.idle' })).toMatchObject({
      success: false,
      status_code: 418,
      event_type: 'agent.session.idle',
    });
  });

  test('an address must be public and https, unless the operator lets it be private', async () => {
    const view = await start({ egress: DEFAULT_EGRESS });
    const refused = async (url: string): Promise<unknown> =>
      view.create(admin, wanted({ url })).then(
        () => 'made',
        (error: unknown) => (error as { code: string }).code,
      );
    expect(await refused('http://example.com/')).toBe('invalid_request');
    expect(await refused('no url')).toBe('invalid_request');
    expect(await refused('https://me:pw@example.com/')).toBe('invalid_request');
    for (const url of ['https://127.0.0.1/', 'https://169.254.169.254/', 'https://[::1]/', 'https://10.0.0.7/'])
      expect(await refused(url), url).toBe('egress_denied');
    expect(await refused('https://example.com/hook')).toBe('made');
  });

  test('a tenant has as many webhooks as it may, and not one more', async () => {
    const view = await start();
    for (let i = 0; i < 16; i++) await view.create(admin, wanted({ name: `w${i}` }));
    await expect(view.create(admin, wanted())).rejects.toMatchObject({ code: 'webhook_limit_reached' });
    await view.create({ ...admin, tenant: 'rival' as TenantId }, wanted());
    const page = await view.list(admin, { limit: 10, order: 'asc' });
    expect([page.data.length, page.has_more]).toEqual([10, true]);
    const rest = await view.list(admin, { limit: 10, order: 'asc', after: page.last_id ?? '' });
    expect([rest.data.length, rest.has_more]).toEqual([6, false]);
  });
});
