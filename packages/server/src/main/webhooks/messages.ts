/** What webhooks are told, made of the events of the log: ids only, no content. */
import { createHash } from 'node:crypto';
import type { WebhookEvent } from '@perdure/protocol';
import type { FeedConsumer, FedEvent } from '../../engine/feed/follow.ts';
import type { ResourceChange } from '../../engine/resources.ts';
import type { Webhook, WebhookBook } from './book.ts';

/** A message that waits for its delivery, or was delivered. */
export interface DeliveryBody {
  readonly type: string;
  /** The body of the request, the same for every try. */
  readonly message: string;
  readonly attempts: number;
  readonly lastError: string | null;
  /** ms since 1970. */
  readonly deliveredAt: number | null;
}

/** Ids of messages: they sort by when the message was made, in this process and after it. */
export type MessageIds = () => string;

export const PENDING_PREFIX = 'whd_';
export const DELIVERED_PREFIX = 'whx_';

export function webhookMessages(
  book: WebhookBook,
  next: MessageIds,
  wake: (ids: readonly string[]) => void,
): FeedConsumer {
  const fresh = new Set<string>();
  return {
    types: [
      'approval.requested',
      'approval.granted',
      'approval.denied',
      'approval.expired',
      'tool.requested',
      'turn.completed',
      'turn.failed',
      'turn.cancelled',
    ],
    reads: [],
    async effects(fed) {
      const changes: ResourceChange[] = [];
      for (const { type, data } of toldOf(fed))
        for (const webhook of book.told(fed.event.tenant, type)) {
          fresh.add(webhook.row.id);
          changes.push(pending(webhook, next(), messageOf(fed, type, data, webhook)));
        }
      return changes;
    },
    committed() {
      if (fresh.size > 0) wake([...fresh]);
      fresh.clear();
    },
  };
}

interface Told {
  readonly type: WebhookEvent;
  readonly data: { readonly [name: string]: unknown };
}

function toldOf({ kind, event }: FedEvent): readonly Told[] {
  const session = event.session;
  switch (event.type) {
    case 'approval.requested': {
      // Nobody is asked: the verdict is there already.
      if (event.head.reviewed === true) return [];
      const { approval: id, callId, expiresAt } = event.head;
      const data = { id, session_id: session, call_id: callId, expires_at: Math.floor(expiresAt / 1000) };
      return [
        { type: 'perdure.approval.requested', data },
        ...required(kind, session, { type: 'perdure.approval_request', approval_id: id }),
      ];
    }
    case 'approval.granted':
    case 'approval.denied':
    case 'approval.expired': {
      const data = { id: event.head.approval, session_id: session, decided_by: event.actor };
      return [{ type: `perdure.${event.type}`, data }];
    }
    case 'tool.requested':
      return event.head.origin?.kind === 'client' && event.head.held !== true
        ? required(kind, session, { type: 'function_call' })
        : [];
    case 'turn.completed':
    case 'turn.cancelled':
      return kind === 'agent' ? [{ type: 'agent.session.idle', data: { id: session } }] : [];
    case 'turn.failed':
      return kind === 'agent' ? [{ type: 'agent.session.failed', data: { id: session } }] : [];
    default:
      return [];
  }
}

function required(kind: FedEvent['kind'], id: string, action: object): readonly Told[] {
  return kind === 'agent' ? [{ type: 'agent.session.action_required', data: { id, required_action: action } }] : [];
}

/** In OpenAI's form of an event. */
function messageOf({ home, position, event }: FedEvent, type: string, data: Told['data'], { row }: Webhook): string {
  // Of the event and what is told of it: the same whenever it is made.
  const id = createHash('sha256')
    .update(JSON.stringify([home.home, position, type]))
    .digest('hex')
    .slice(0, 28);
  const whose = row.tenant === '*' ? { tenant: event.tenant } : {};
  return JSON.stringify({
    id: `evt_${id}`,
    object: 'event',
    created_at: Math.floor(event.at / 1000),
    type,
    data: { ...data, ...whose },
  });
}

function pending({ row }: Webhook, id: string, message: string): ResourceChange {
  const { type } = JSON.parse(message) as { readonly type: string };
  const body: DeliveryBody = { type, message, attempts: 0, lastError: null, deliveredAt: null };
  return {
    op: 'put',
    row: {
      kind: 'webhook_delivery',
      tenant: row.tenant,
      id: PENDING_PREFIX + id,
      parent: row.id,
      version: 1,
      createdAt: Number.parseInt(id.slice(0, TIME_DIGITS), 10),
      wakeAt: null,
      body: JSON.stringify(body),
    },
  };
}

/** ms since 1970, decimal. */
const TIME_DIGITS = 14;
const COUNT_DIGITS = 8;

/** Made of time, of a count within it, and of chance, so that two processes that follow each other share none. */
export function messageIds(now: () => number, chance: () => string): MessageIds {
  let last = 0;
  let count = 0;
  return () => {
    const at = Math.max(last, now());
    count = at === last ? count + 1 : 0;
    last = at;
    return `${String(at).padStart(TIME_DIGITS, '0')}${String(count).padStart(COUNT_DIGITS, '0')}${chance()}`;
  };
}
