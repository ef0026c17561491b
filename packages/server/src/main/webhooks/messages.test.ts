/** What webhooks are told of sub-agents: how people know them. */
import { expect, test } from 'vitest';
import { followFeed } from '../../engine/feed/follow.ts';
import { emptyMemoryData } from '../../store/memory/memory-data.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import { HOME, LogWriter } from '../approvals/log-writer.test-support.ts';
import type { WebhookConfig } from '../config/agent-rules.ts';
import { WebhookBook } from './book.ts';
import { type DeliveryBody, messageIds, webhookMessages } from './messages.ts';
import { secretBox } from './secrets.ts';

const HOOK: WebhookConfig = {
  id: 'all',
  url: 'https://hooks.example/x',
  secret: `whsec_${Buffer.alloc(32, 5).toString('base64')}`,
  events: [
    'perdure.approval.requested',
    'perdure.approval.granted',
    'agent.session.action_required',
    'agent.session.idle',
    'agent.session.failed',
  ],
  tenant: 'acme',
  allowPrivate: false,
};

test('the session that owns it, with the sub-agent beside it; the ends of its turns are not told', async () => {
  const store = openMemoryHome({ home: HOME, clock: { now: Date.now, monotonic: Date.now }, data: emptyMemoryData() });
  const box = secretBox(new Uint8Array(32).fill(7));
  const book = await WebhookBook.open(store, { box, configured: [HOOK], now: Date.now });
  const log = new LogWriter(store);
  const owner = log.session();
  const member = log.session('acme', owner);
  const id = await log.asks(member);
  const end = { response: 'resp_1' as never };
  const completed = {
    type: 'turn.completed',
    head: { ...end, status: 'completed', reason: null },
    payload: null,
  } as const;
  await log.write(member, [
    { type: 'approval.granted', head: { approval: id }, payload: null },
    {
      type: 'tool.requested',
      head: { callId: 'c', tool: 't', idempotent: false, arguments: 'd', definition: 'd', origin: { kind: 'client' } },
      payload: null,
    },
    completed,
    { type: 'turn.failed', head: { ...end, code: 'upstream_error' }, payload: { message: 'no' } },
  ]);
  await log.write(owner, [completed]);
  const feed = followFeed({
    homes: [store],
    control: store,
    consumers: [
      webhookMessages(
        book,
        messageIds(Date.now, () => '00000000'),
        () => undefined,
      ),
    ],
    everyMs: 3_600_000,
    now: Date.now,
    report: (what, error) => expect([what, error]).toEqual([]),
    log: () => undefined,
  });
  await feed.caughtUp();
  await feed.close();

  const query = { kind: 'webhook_delivery', order: 'asc', limit: 20, after: null } as const;
  const rows = await store.resources({ ...query, tenant: owner.tenant });
  const told = rows.map(({ body }) => JSON.parse((JSON.parse(body) as DeliveryBody).message) as Message);
  const subagent_id = member.session.replace('sess_', 'subagent_');
  const names = { session_id: owner.session, subagent_id };
  expect(told.map(({ type, data }) => [type, data])).toEqual([
    ['perdure.approval.requested', expect.objectContaining({ id, ...names })],
    [
      'agent.session.action_required',
      { id: owner.session, subagent_id, required_action: { type: 'perdure.approval_request', approval_id: id } },
    ],
    ['perdure.approval.granted', { id, ...names, decided_by: 'engine' }],
    ['agent.session.action_required', { id: owner.session, subagent_id, required_action: { type: 'function_call' } }],
    ['agent.session.idle', { id: owner.session }],
  ]);
});

interface Message {
  readonly type: string;
  readonly data: object;
}
