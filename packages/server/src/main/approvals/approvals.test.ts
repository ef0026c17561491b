/** Approvals as they are listed, shown and decided, on a log that is written as the engine writes it. */
import type { ApprovalQuery } from '@perdure/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Caller } from '../../engine/caller.ts';
import { type Feed, followFeed } from '../../engine/feed/follow.ts';
import type { ResourceChange } from '../../engine/resources.ts';
import type { Approvals } from '../../engine/tools/approvals.ts';
import type { ApprovalView } from '../../http/perdure/approval-view.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { EventBody } from '../../log/events.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { emptyMemoryData } from '../../store/memory/memory-data.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import type { ApprovalRules } from '../config/agent-rules.ts';
import { makeApprovalDesk } from './desk.ts';
import { HOME, LogWriter, NOON, type WrittenSession } from './log-writer.test-support.ts';
import { approvalProjection } from './projection.ts';

const RULES: ApprovalRules = { secondPerson: false, byInferenceKeys: false };
const LIST: ApprovalQuery = { limit: 20, order: 'desc' };

let store: HomeStore;
let log: LogWriter;
let feeds: Feed[] = [];
let now = NOON;

beforeEach(() => {
  now = NOON;
  store = openMemoryHome({ home: HOME, clock: { now: () => now, monotonic: () => now }, data: emptyMemoryData() });
  log = new LogWriter(store);
});
afterEach(async () => {
  await Promise.all(feeds.splice(0).map(feed => feed.close()));
  await store.close();
});

function caller(over: Partial<Caller> = {}): Caller {
  return {
    tenant: 'acme' as TenantId,
    principal: 'boss',
    product: 'api',
    channel: 'direct',
    segment: 'commercial',
    scopes: ['approve'],
    ...over,
  };
}

/** @param change stands between the follower and its store */
function follow(change: (good: HomeStore['changeResources']) => HomeStore['changeResources'] = good => good): Feed {
  const control = { ...store, changeResources: change((changes, entry) => store.changeResources(changes, entry)) };
  const feed = followFeed({
    homes: [store],
    control,
    consumers: [approvalProjection(control)],
    everyMs: 1_000_000,
    now: () => now,
    report: () => undefined,
    log: () => undefined,
  });
  feeds.push(feed);
  return feed;
}

/** What the engine does, as far as the log shows it. */
function doors(sessions: ReadonlyMap<string, WrittenSession>): Omit<Approvals, 'read'> {
  const write = async (id: string, actor: string, body: EventBody): Promise<void> => {
    const to = sessions.get(id);
    if (to === undefined) throw new Error('no session');
    await log.write(to, [body], actor);
  };
  return {
    grant: (_, id, actor) => write(id, actor, { type: 'approval.granted', head: { approval: id }, payload: null }),
    deny: (_, id, actor, reason) =>
      write(id, actor, { type: 'approval.denied', head: { approval: id }, payload: { reason } }),
    complete: (_, id, actor, output) =>
      write(id, actor, { type: 'approval.granted', head: { approval: id }, payload: { value: output } }),
  };
}

function desk(sessions = new Map<string, WrittenSession>(), rules = RULES): ApprovalView {
  return makeApprovalDesk({
    homes: [store],
    control: store,
    feed: follow(),
    doors: doors(sessions),
    rules,
    now: () => now,
  });
}

async function asked(over: { readonly tenant?: string; readonly why?: 'outcome_unknown' | 'network' } = {}): Promise<{
  id: string;
  session: WrittenSession;
  sessions: Map<string, WrittenSession>;
}> {
  const session = log.session(over.tenant);
  const id = await log.asks(session, over.why === undefined ? {} : { why: over.why });
  return { id, session, sessions: new Map([[id, session]]) };
}

describe('what is shown', () => {
  test('an approval with its arguments, for who may decide', async () => {
    const { id, session, sessions } = await asked();
    expect(await desk(sessions).get(caller(), id)).toEqual({
      id,
      object: 'perdure.approval',
      status: 'waiting',
      why: 'policy',
      session_id: session.session,
      agent_id: 'agt_1',
      agent_version: 3,
      call_id: 'call_0',
      tool: 'send_mail',
      policy: 'p1',
      binding: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      requested_by: 'key:asker',
      requested_at: NOON / 1000,
      expires_at: NOON / 1000 + 7 * 24 * 3600,
      decided_by: null,
      decided_at: null,
      placement: null,
      arguments: { to: 'x@b.test' },
      about: null,
      reason: null,
    });
  });

  test('no content to who may not decide', async () => {
    const { id } = await asked();
    for (const scope of ['read', 'auditor', 'inference', 'admin'])
      expect(JSON.stringify(await desk().get(caller({ scopes: [scope] }), id)), scope).not.toMatch(/b\.test|arguments/);
    const rules = { ...RULES, byInferenceKeys: true };
    expect(await desk(new Map(), rules).get(caller({ scopes: ['inference'] }), id)).toHaveProperty('arguments');
    expect(JSON.stringify(await desk().list(caller(), LIST))).not.toMatch(/b\.test/);
  });

  test('L10: another tenant sees nothing, and decides nothing', async () => {
    const { id, sessions } = await asked();
    const view = desk(sessions);
    const rival = caller({ tenant: 'rival' as TenantId, scopes: ['approve', 'operator'] });
    await expect(view.get(rival, id)).rejects.toMatchObject({ code: 'approval_not_found' });
    await expect(view.grant(rival, id, {})).rejects.toMatchObject({ code: 'approval_not_found' });
    expect((await view.list(rival, LIST)).data).toEqual([]);
    const peek = view.list(caller({ tenant: 'rival' as TenantId }), { ...LIST, tenant: 'acme' });
    await expect(peek).rejects.toMatchObject({ code: 'insufficient_scope' });
    expect((await view.list(rival, { ...LIST, tenant: 'acme' })).data.map(one => one.id)).toEqual([id]);
    for (const odd of ['appr_x', id.slice(0, -1), `${id}0`, id.replace(/.$/, 'z')])
      await expect(view.get(caller(), odd), odd).rejects.toMatchObject({ code: 'approval_not_found' });
  });

  test('lists, newest first, by status, session, agent and cause, page by page', async () => {
    const ids: string[] = [];
    const sessions = new Map<string, WrittenSession>();
    for (let i = 0; i < 5; i++) {
      log.at = NOON + i;
      const session = log.session();
      const id = await log.asks(session, i === 4 ? { why: 'outcome_unknown' } : {});
      ids.push(id);
      sessions.set(id, session);
    }
    const view = desk(sessions);
    const listed = async (query: Partial<ApprovalQuery>): Promise<readonly string[]> =>
      (await view.list(caller(), { ...LIST, ...query })).data.map(({ id }) => id);
    expect(await listed({})).toEqual(ids.toReversed());
    expect(await listed({ order: 'asc' })).toEqual(ids);
    await view.grant(caller(), ids[1] ?? '', {});
    await view.deny(caller(), ids[2] ?? '', { reason: 'No.' });
    expect(await listed({ status: 'waiting', order: 'asc' })).toEqual([ids[0], ids[3], ids[4]]);
    expect(await listed({ status: 'granted' })).toEqual([ids[1]]);
    expect(await listed({ why: 'outcome_unknown' })).toEqual([ids[4]]);
    expect(await listed({ session_id: sessions.get(ids[3] ?? '')?.session ?? '' })).toEqual([ids[3]]);
    expect([await listed({ agent_id: 'agt_1' }), await listed({ agent_id: 'agt_2' })]).toEqual([ids.toReversed(), []]);
    const page = await view.list(caller(), { ...LIST, limit: 2, order: 'asc' });
    expect([page.has_more, page.first_id, page.last_id]).toEqual([true, ids[0], ids[1]]);
    expect(await listed({ limit: 3, order: 'asc', after: ids[1] ?? '' })).toEqual(ids.slice(2));
    expect(await listed({ status: 'waiting', after: ids[3] ?? '' })).toEqual([ids[0]]);
    await expect(view.list(caller(), { ...LIST, after: 'appr_no' })).rejects.toMatchObject({ status: 400 });
  });

  test('one whose time is up, and one whose turn has ended, wait no more', async () => {
    const [late, ended] = [await asked(), await asked()];
    const view = desk();
    await log.write(ended.session, [{ type: 'turn.cancelled', head: { response: 'resp_1' as never }, payload: null }]);
    expect(await view.get(caller(), ended.id)).toMatchObject({ status: 'withdrawn', decided_by: 'engine' });
    now = NOON + 7 * 24 * 3_600_000;
    expect(await view.get(caller(), late.id)).toMatchObject({ status: 'expired', decided_by: null });
    await log.write(late.session, [{ type: 'approval.expired', head: { approval: late.id }, payload: null }]);
    expect(await view.get(caller(), late.id)).toMatchObject({ status: 'expired', decided_by: 'engine' });
    expect((await view.list(caller(), { ...LIST, status: 'waiting' })).data).toEqual([]);
  });
});

describe('deciding', () => {
  test('says who decided, and why not', async () => {
    const [yes, no] = [await asked(), await asked()];
    const view = desk(new Map([...yes.sessions, ...no.sessions]));
    expect(await view.grant(caller(), yes.id, {})).toMatchObject({ status: 'granted', decided_by: 'key:boss' });
    expect(await view.deny(caller(), no.id, { reason: 'Too dear.' })).toMatchObject({
      status: 'denied',
      decided_by: 'key:boss',
      reason: 'Too dear.',
    });
  });

  test('wants a scope that decides', async () => {
    const { id, sessions } = await asked();
    const view = desk(sessions);
    for (const scope of ['inference', 'read', 'auditor', 'admin'])
      await expect(view.grant(caller({ scopes: [scope] }), id, {}), scope).rejects.toMatchObject({
        code: 'insufficient_scope',
      });
    const rules = { ...RULES, byInferenceKeys: true };
    expect(await desk(sessions, rules).grant(caller({ scopes: ['inference'] }), id, {})).toHaveProperty(
      'status',
      'granted',
    );
  });

  test('hosts are opened with the scopes for it alone, whatever else keys for inference may decide', async () => {
    const { id, sessions } = await asked({ why: 'network' });
    const view = desk(sessions, { ...RULES, byInferenceKeys: true });
    const inference = caller({ scopes: ['inference'] });
    for (const decide of [() => view.grant(inference, id, {}), () => view.deny(inference, id, {})])
      await expect(decide()).rejects.toMatchObject({ code: 'insufficient_scope' });
    expect(await view.list(caller(), { ...LIST, why: 'network' })).toMatchObject({ data: [{ id }] });
    expect(await view.grant(caller({ scopes: ['approve'] }), id, {})).toMatchObject({
      status: 'granted',
      why: 'network',
    });
  });

  test.each([
    ['granted', { type: 'approval.granted', payload: { value: null, reason: 'Harmless.' } }],
    ['denied', { type: 'approval.denied', payload: { reason: 'Harmless.' } }],
  ] as const)('what a model %s is shown as decided automatically, with its call', async (status, { type, payload }) => {
    const { id, session } = await asked();
    const usage = { input: 1, cached: 0, output: 1, reasoning: 0 };
    const head = { approval: id, review: { placement: 'plc_review', target: 'up-1', usage } };
    await log.write(session, [{ type, head, payload } as EventBody], 'reviewer');
    expect(await desk().get(caller(), id)).toMatchObject({
      status,
      decided_by: 'reviewer',
      placement: 'plc_review',
      reason: 'Harmless.',
    });
  });

  test('wants a second person where that is configured', async () => {
    const { id, sessions } = await asked();
    const view = desk(sessions, { ...RULES, secondPerson: true });
    const asker = caller({ principal: 'asker' });
    for (const decided of [() => view.grant(asker, id, {}), () => view.deny(asker, id, {})])
      await expect(decided()).rejects.toMatchObject({ code: 'second_person_required' });
    expect(await view.grant(caller(), id, {})).toHaveProperty('status', 'granted');
  });

  test('grants what was shown, and nothing else', async () => {
    const [one, other] = [await asked(), await asked()];
    const view = desk(new Map([...one.sessions, ...other.sessions]));
    const shown = await view.get(caller(), one.id);
    expect((await view.get(caller(), other.id)).binding).not.toBe(shown.binding);
    await expect(view.grant(caller(), other.id, { binding: shown.binding })).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'binding',
    });
    expect(await view.grant(caller(), one.id, { binding: shown.binding })).toHaveProperty('status', 'granted');
  });

  test('resolves what nobody knows, and only that', async () => {
    const known = await asked();
    await expect(desk(known.sessions).resolve(caller(), known.id, { outcome: 'run_again' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    const status = async (how: Parameters<ApprovalView['resolve']>[2]): Promise<string> => {
      const { id, sessions } = await asked({ why: 'outcome_unknown' });
      return (await desk(sessions).resolve(caller(), id, how)).status;
    };
    expect(await status({ outcome: 'run_again' })).toBe('granted');
    expect(await status({ outcome: 'give_up' })).toBe('denied');
    expect(await status({ outcome: 'completed', output: 'sent' })).toBe('granted');
    await expect(status({ outcome: 'completed' })).rejects.toMatchObject({ param: 'output' });
    await expect(status({ outcome: 'give_up', output: 'x' })).rejects.toMatchObject({ param: 'output' });
  });
});

describe('following the log', () => {
  /** What is listed, whatever made it. */
  const listed = async (): Promise<readonly string[]> =>
    (await desk().list(caller(), { ...LIST, limit: 100, order: 'asc' })).data.map(one => `${one.id} ${one.status}`);

  test('N1: whatever is cut off when, each event has its effect once', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 30; i++) {
      const { id, session } = await asked();
      ids.push(`${id} ${i % 3 === 0 ? 'granted' : 'waiting'}`);
      if (i % 3 === 0)
        await log.write(session, [{ type: 'approval.granted', head: { approval: id }, payload: null }], 'key:boss');
    }
    // Every other commit fails: before it was made, after it was made, or because somebody else was there.
    let calls = 0;
    const cut =
      (good: HomeStore['changeResources']): HomeStore['changeResources'] =>
      async (changes: readonly ResourceChange[], entry) => {
        calls += 1;
        if (calls % 4 === 1) throw new Error('cut before');
        if (calls % 4 === 2) {
          await good(changes, entry);
          throw new Error('cut after');
        }
        return good(changes, entry);
      };
    for (let life = 0; life < 100; life++) {
      const feed = follow(cut);
      const done = await feed.caughtUp().then(
        () => true,
        () => false,
      );
      await feed.close();
      if (done) break;
    }
    expect(calls).toBeGreaterThan(4);
    expect(await listed()).toEqual(ids.toSorted());
  });

  test('N1: of two that follow at once, one gives way', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 40; i++) ids.push(`${(await asked()).id} waiting`);
    const both = [follow(), follow(), follow()];
    await Promise.allSettled(both.map(feed => feed.caughtUp()));
    for (const feed of both) await feed.caughtUp();
    expect(await listed()).toEqual(ids.toSorted());
  });

  test('is caught up with what was there, however much comes meanwhile', async () => {
    const { id } = await asked();
    let more = 0;
    // Each look finds something new: under load there is always more.
    const busy: HomeStore = {
      ...store,
      async heads(query) {
        const found = await store.heads(query);
        log.at += 1;
        if (more++ < 200) await asked();
        return found;
      },
    };
    const feed = followFeed({
      homes: [busy],
      control: store,
      consumers: [approvalProjection(store)],
      everyMs: 1e9,
      now: () => NOON,
      report: () => undefined,
      log: () => undefined,
    });
    await feed.caughtUp();
    expect(more).toBeLessThan(10);
    await feed.close();
    expect((await listed()).some(one => one.startsWith(id))).toBe(true);
  });

  test('a turn with more open approvals than one commit takes is withdrawn whole', async () => {
    const { session } = await asked();
    for (let i = 0; i < 40; i++) await log.asks(session);
    await log.write(session, [
      { type: 'turn.failed', head: { response: 'resp_1' as never, code: 'x' }, payload: { message: 'x' } },
    ]);
    const statuses = (await listed()).map(one => one.split(' ')[1]);
    expect(statuses).toEqual(Array.from({ length: 41 }, () => 'withdrawn'));
  });
});
