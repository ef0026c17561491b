/** What somebody can ask and do about webhooks over HTTP. */
import {
  listPage,
  perdureError,
  WEBHOOKS_MOST,
  type WebhookDelivery,
  type WebhookPage,
  type WebhookResource,
} from '@perdure/protocol';
import { actorOf, type Caller, seesAll } from '../../engine/caller.ts';
import type { ResourceRow, Resources } from '../../engine/resources.ts';
import type { WebhookPageQuery, WebhookView } from '../../http/perdure/webhook-view.ts';
import { addressAllowed, type EgressRules, matchesAny } from '../../provider/egress/rules.ts';
import { literalAddress } from '../../provider/transport/address.ts';
import { webhookUrlProblem } from '../config/webhook-form.ts';
import { type Webhook, type WebhookBody, type WebhookBook, WEBHOOKS_IN_ALL } from './book.ts';
import type { Deliveries } from './deliveries.ts';
import { DELIVERED_PREFIX, type DeliveryBody, type MessageIds, PENDING_PREFIX } from './messages.ts';
import { newSecret } from './secrets.ts';

export interface WebhookDeskParts {
  readonly book: WebhookBook;
  readonly store: Resources;
  readonly deliveries: Deliveries;
  /** Which private addresses may be told: those that may be fetched from. */
  readonly egress: EgressRules;
  readonly now: () => number;
  readonly next: MessageIds;
}

const HOUR_MS = 3_600_000;
const ROTATION_HOURS = 24;

export function makeWebhookDesk(parts: WebhookDeskParts): WebhookView {
  const { book, store, deliveries, now } = parts;

  /** L10: another tenant's looks like none. */
  function own(who: Caller, id: string): Webhook {
    const found = book.one(id);
    if (found === undefined || !reaches(who, found.row.tenant))
      throw perdureError('webhook_not_found', `There is no webhook '${id.slice(0, 64)}'.`);
    return found;
  }

  function changeable(who: Caller, id: string): Webhook {
    const found = own(who, id);
    if (found.body.source === 'config')
      throw perdureError('invalid_request', 'It stands in the configuration of the server, and is changed there.');
    return found;
  }

  const shown = (webhook: Webhook): WebhookResource => resourceOf(webhook, book.hint(webhook), now());

  return {
    async list(who, query) {
      const mine = book.all.filter(({ row }) => reaches(who, row.tenant)).map(shown);
      return pageOf(
        mine.toSorted((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1)),
        query,
      );
    },
    get: async (who, id) => shown(own(who, id)),
    async create(who, { name, url, event_types: events }) {
      const mine = book.all.filter(({ row, body }) => row.tenant === who.tenant && body.source === 'api');
      if (mine.length >= WEBHOOKS_MOST || book.all.length >= WEBHOOKS_IN_ALL)
        throw perdureError('webhook_limit_reached', `A tenant may have ${WEBHOOKS_MOST} webhooks.`);
      const allowPrivate = checkedUrl(url, parts.egress);
      const id = `whk_${parts.next()}`;
      const secret = newSecret();
      const at = { id, tenant: who.tenant };
      const body: WebhookBody = {
        name,
        url,
        events: [...new Set(events)],
        source: 'api',
        allowPrivate,
        updatedAt: now(),
        secrets: [book.sealed(at, secret)],
        failingSince: null,
        lastError: null,
        disabledAt: null,
      };
      const how = { action: 'webhook.created', actor: actorOf(who) };
      return { ...shown(await book.put({ ...at, before: null }, body, how)), signing_secret: secret };
    },
    delete: async (who, id) => book.remove(changeable(who, id).row, actorOf(who)),
    async rotate(who, id, { keep_old_secret_for_hours: hours = ROTATION_HOURS }) {
      const { row, body } = changeable(who, id);
      const secret = newSecret();
      // Two at most: the new one, and the one that was in force.
      const old = body.secrets.flatMap(one => (one.until === null ? [{ ...one, until: now() + hours * HOUR_MS }] : []));
      const secrets = [book.sealed(row, secret), ...(hours === 0 ? [] : old)];
      const how = { action: 'webhook.rotated', actor: actorOf(who) };
      const changed = await book.put(
        { id, tenant: row.tenant, before: row },
        { ...body, secrets, updatedAt: now() },
        how,
      );
      return { ...shown(changed), signing_secret: secret };
    },
    async enable(who, id) {
      const { row, body } = own(who, id);
      const well: WebhookBody = { ...body, disabledAt: null, failingSince: null, lastError: null, updatedAt: now() };
      const how = { action: 'webhook.enabled', actor: actorOf(who) };
      const changed = await book.put({ id, tenant: row.tenant, before: row }, well, how);
      deliveries.wake([id]);
      return shown(changed);
    },
    async test(who, id, { event_type: wanted }) {
      const webhook = own(who, id);
      const type = wanted ?? webhook.body.events[0] ?? 'perdure.approval.requested';
      const message = JSON.stringify({
        id: `evt_test${parts.next()}`,
        object: 'event',
        created_at: Math.floor(now() / 1000),
        type,
        data: { id: 'test' },
      });
      const sent = await deliveries.send(webhook, parts.next(), message);
      return {
        object: 'webhook_endpoint.test',
        webhook_endpoint_id: id,
        event_type: type,
        success: sent.ok,
        status_code: sent.status,
        error: sent.ok ? null : sent.why,
      };
    },
    deliveries: async (who, id, query) => listDeliveries(store, own(who, id), query),
  };
}

function reaches(who: Caller, tenant: string): boolean {
  return who.tenant === tenant || (tenant === '*' && seesAll(who));
}

/** Whether it is at a private address, which it may be only where the operator allows that. @throws invalid_request, egress_denied */
function checkedUrl(text: string, egress: EgressRules): boolean {
  const open = URL.canParse(text) && egress.mode === 'allow-list' && matchesAny(new URL(text), egress.privateHosts);
  const problem = webhookUrlProblem(text, open);
  if (problem !== null) throw perdureError('invalid_request', `'url' ${problem}.`, { param: 'url' });
  const url = new URL(text);
  const literal = literalAddress(url);
  if (literal !== null && !addressAllowed(literal, url, egress))
    throw perdureError('egress_denied', 'The address is not public.', { param: 'url' });
  return open;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);
const secondsOrNull = (ms: number | null): number | null => (ms === null ? null : seconds(ms));

function resourceOf({ row, body }: Webhook, hint: string | null, now: number): WebhookResource {
  const old = body.secrets.find(({ until }) => until !== null && until > now);
  return {
    id: row.id,
    object: 'webhook_endpoint',
    name: body.name,
    url: body.url,
    event_types: body.events,
    signing_secret_hint: hint,
    created_at: seconds(row.createdAt),
    updated_at: seconds(body.updatedAt),
    source: body.source,
    status: body.disabledAt === null ? 'enabled' : 'disabled',
    failing_since: secondsOrNull(body.failingSince),
    last_error: body.lastError,
    old_secret_until: secondsOrNull(old?.until ?? null),
  };
}

function pageOf(
  all: readonly WebhookResource[],
  { limit, order, after }: WebhookPageQuery,
): WebhookPage<WebhookResource> {
  const ordered = order === 'asc' ? all : all.toReversed();
  const at = after === undefined ? -1 : ordered.findIndex(({ id }) => id === after);
  if (after !== undefined && at < 0)
    throw perdureError('webhook_not_found', 'There is no such webhook.', { status: 400, param: 'after' });
  return listPage(ordered.slice(at + 1, at + 1 + limit), ordered.length > at + 1 + limit);
}

/** What waits comes after what was delivered: a webhook is told in order. */
async function listDeliveries(
  store: Resources,
  { row }: Webhook,
  { limit, order, after }: WebhookPageQuery,
): Promise<WebhookPage<WebhookDelivery>> {
  const key = after === undefined ? null : /^msg_(\d+\w*)$/.exec(after)?.[1];
  if (key === undefined)
    throw perdureError('invalid_request', "'after' must be the id of a delivery.", { param: 'after' });
  const parts = [
    ['webhook_delivered', DELIVERED_PREFIX],
    ['webhook_delivery', PENDING_PREFIX],
  ] as const;
  const found: WebhookDelivery[] = [];
  for (const [kind, prefix] of order === 'asc' ? parts : parts.toReversed()) {
    if (found.length > limit) break;
    const query = { kind, tenant: row.tenant, parent: row.id, order, limit: limit + 1 - found.length } as const;
    const rows = await store.resources({ ...query, after: key === null ? null : prefix + key });
    found.push(...rows.map(one => deliveryOf(one, prefix)));
  }
  return listPage(found.slice(0, limit), found.length > limit);
}

function deliveryOf({ id, parent, createdAt, body }: ResourceRow, prefix: string): WebhookDelivery {
  const { type, attempts, lastError, deliveredAt } = JSON.parse(body) as DeliveryBody;
  return {
    id: `msg_${id.slice(prefix.length)}`,
    object: 'perdure.webhook_delivery',
    webhook_id: parent ?? '',
    event_type: type,
    status: deliveredAt === null ? 'pending' : 'delivered',
    attempts,
    last_error: lastError,
    created_at: seconds(createdAt),
    delivered_at: secondsOrNull(deliveredAt),
  };
}
