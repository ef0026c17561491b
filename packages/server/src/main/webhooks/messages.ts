/** What webhooks are told, made of the events of the log: ids only, no content. */
import { createHash } from 'node:crypto';
import type { WebhookEvent } from '@perdure/protocol';
import type { FeedConsumer, FedEvent } from '../../engine/feed/follow.ts';
import { whose, type Whose } from '../../engine/feed/whose.ts';
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
      let of: Whose | null = null;
      for (const { type, data } of toldOf(fed))
        for (const webhook of book.told(fed.event.tenant, type)) {
          of ??= await whoseEvent(fed);
          const named = data(of);
          if (named === null) continue;
          fresh.add(webhook.row.id);
          changes.push(pending(webhook, next(), messageOf(fed, type, named, webhook)));
        }
      return changes;
    },
    committed() {
      if (fresh.size > 0) wake([...fresh]);
      fresh.clear();
    },
  };
}

type Data = { readonly [name: string]: unknown };

interface Told {
  readonly type: WebhookEvent;
  /** Null if it is not told of a session of that kind. */
  readonly data: (of: Whose) => Data | null;
}

async function whoseEvent({ home, event: { tenant, session } }: FedEvent): Promise<Whose> {
  return whose(session, (await home.session(tenant, session))?.state ?? null);
}

const named = ({ subagent }: Whose): Data => (subagent === null ? {} : { subagent_id: subagent });

function toldOf({ kind, event }: FedEvent): readonly Told[] {
  switch (event.type) {
    case 'approval.requested': {
      // Nobody is asked: the verdict is there already.
      if (event.head.reviewed === true) return [];
      const { approval: id, callId, expiresAt } = event.head;
      const at = Math.floor(expiresAt / 1000);
      return [
        {
          type: 'perdure.approval.requested',
          data: of => ({ id, session_id: of.session, ...named(of), call_id: callId, expires_at: at }),
        },
        ...required(kind, { type: 'perdure.approval_request', approval_id: id }),
      ];
    }
    case 'approval.granted':
    case 'approval.denied':
    case 'approval.expired': {
      const { approval: id } = event.head;
      const data = (of: Whose): Data => ({ id, session_id: of.session, ...named(of), decided_by: event.actor });
      return [{ type: `perdure.${event.type}`, data }];
    }
    case 'tool.requested':
      return event.head.origin?.kind === 'client' && event.head.held !== true
        ? required(kind, { type: 'function_call' })
        : [];
    case 'turn.completed':
    case 'turn.cancelled':
      return turnEnded(kind, 'agent.session.idle');
    case 'turn.failed':
      return turnEnded(kind, 'agent.session.failed');
    default:
      return [];
  }
}

function required(kind: FedEvent['kind'], action: object): readonly Told[] {
  const data = (of: Whose): Data => ({ id: of.session, ...named(of), required_action: action });
  return kind === 'agent' ? [{ type: 'agent.session.action_required', data }] : [];
}

/** The end of a sub-agent's turn says nothing of the session, which may work on or have rested for long. */
function turnEnded(kind: FedEvent['kind'], type: WebhookEvent): readonly Told[] {
  return kind === 'agent' ? [{ type, data: of => (of.subagent === null ? { id: of.session } : null) }] : [];
}

/** In OpenAI's form of an event. */
function messageOf({ home, position, event }: FedEvent, type: string, data: Data, { row }: Webhook): string {
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
