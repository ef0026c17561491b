/**
 * Delivers what webhooks are to be told.
 *
 * D1  At least once: a message is struck off after it was taken. A process that ends in between sends it again, under the same id.
 * D2  In order: a webhook is told a message only once it has taken the one before.
 * D3  What fails is tried again, later each time, until the webhook has failed for too long: then it is told nothing, and what waits is kept.
 */
import type { ResourceChange, ResourceRow, Resources } from '../../engine/resources.ts';
import type { Delivered, Sender } from '../../provider/webhook/deliver.ts';
import type { Webhook, WebhookBook } from './book.ts';
import { DELIVERED_PREFIX, type DeliveryBody, PENDING_PREFIX } from './messages.ts';

export interface DeliveryParts {
  readonly book: WebhookBook;
  readonly store: Resources;
  readonly sender: Sender;
  readonly now: () => number;
  /** The wait after the first failure, ms; it doubles with each. */
  readonly retryMs: number;
  readonly failingMs: number;
  /** Of chance, below 1. */
  readonly random: () => number;
  readonly report: (what: string, error: unknown) => void;
  readonly log: (line: string) => void;
}

export interface Deliveries {
  /** Something waits for these. */
  wake(ids: readonly string[]): void;
  /** Sends one message by itself, whatever waits. */
  send(webhook: Webhook, id: string, message: string): Promise<Delivered>;
  close(): Promise<void>;
}

/** Webhooks that are told something at the same time. */
const AT_ONCE = 8;
const RETRY_MOST_MS = 3_600_000;
const TICK_MS = 250;
/** Delivered messages of a webhook that are still listed. */
export const DELIVERED_KEPT = 100;

export function startDeliveries(parts: DeliveryParts): Deliveries {
  const { book, store, sender, now } = parts;
  const waiting = new Set<string>(book.all.map(({ row }) => row.id));
  const notBefore = new Map<string, number>();
  const under = new Map<string, Promise<void>>();
  let closed = false;

  const send = (webhook: Webhook, id: string, body: string): Promise<Delivered> =>
    sender.send(
      { url: webhook.body.url, secret: book.secrets(webhook), allowPrivate: webhook.body.allowPrivate },
      { id: `msg_${id}`, body },
    );

  /** Tells one webhook all that waits for it, until something fails. */
  async function drain(id: string): Promise<void> {
    for (;;) {
      if (closed) return;
      const webhook = book.one(id);
      if (webhook === undefined || webhook.body.disabledAt !== null) return;
      const { tenant } = webhook.row;
      const query = { kind: 'webhook_delivery', tenant, parent: id, order: 'asc', limit: 1 } as const;
      const [row] = await store.resources({ ...query, after: null });
      if (row === undefined) return;
      const body = JSON.parse(row.body) as DeliveryBody;
      const sent = await send(webhook, row.id.slice(PENDING_PREFIX.length), body.message);
      if (closed) return;
      // As it is now: its secrets may have been changed meanwhile.
      const current = book.one(id);
      if (current === undefined) return;
      if (sent.ok) await taken(current, row, body);
      else {
        await failed(current, row, body, sent.why);
        waiting.add(id);
        return;
      }
    }
  }

  async function taken(webhook: Webhook, row: ResourceRow, body: DeliveryBody): Promise<void> {
    const { id, tenant, version } = row;
    const done: DeliveryBody = { ...body, attempts: body.attempts + 1, lastError: null, deliveredAt: now() };
    const changes: ResourceChange[] = [
      { op: 'remove', kind: 'webhook_delivery', tenant, id, version },
      {
        op: 'put',
        row: {
          ...row,
          kind: 'webhook_delivered',
          id: DELIVERED_PREFIX + id.slice(PENDING_PREFIX.length),
          version: 1,
          body: JSON.stringify(done),
        },
      },
      ...(await oldest(webhook)),
    ];
    notBefore.delete(webhook.row.id);
    if (webhook.body.failingSince === null) {
      if (!(await store.changeResources(changes, null))) throw new Error('a delivery was changed meanwhile');
      return;
    }
    const well = { ...webhook.body, failingSince: null, lastError: null };
    await book.put(placeOf(webhook), well, null, changes);
  }

  /** Those beyond what is kept, one for each that comes. */
  async function oldest({ row }: Webhook): Promise<readonly ResourceChange[]> {
    const of = { kind: 'webhook_delivered', tenant: row.tenant, parent: row.id } as const;
    if ((await store.countResources(of)) < DELIVERED_KEPT) return [];
    const [old] = await store.resources({ ...of, order: 'asc', limit: 1, after: null });
    return old === undefined
      ? []
      : [{ op: 'remove', kind: 'webhook_delivered', tenant: old.tenant, id: old.id, version: old.version }];
  }

  async function failed(webhook: Webhook, row: ResourceRow, body: DeliveryBody, why: string): Promise<void> {
    const attempts = body.attempts + 1;
    const tried: DeliveryBody = { ...body, attempts, lastError: why };
    const change: ResourceChange = {
      op: 'put',
      row: { ...row, version: row.version + 1, body: JSON.stringify(tried) },
    };
    const failingSince = webhook.body.failingSince ?? now();
    const tooLong = now() - failingSince >= parts.failingMs;
    const state = { ...webhook.body, failingSince, lastError: why, disabledAt: tooLong ? now() : null };
    const how = tooLong ? { action: 'webhook.disabled', actor: 'engine' } : null;
    // Half of the wait is by chance, so that what failed together does not come again together.
    const wait = Math.min(RETRY_MOST_MS, parts.retryMs * 2 ** Math.min(attempts - 1, 20));
    notBefore.set(webhook.row.id, now() + wait / 2 + parts.random() * (wait / 2));
    await book.put(placeOf(webhook), state, how, [change]);
    if (tooLong)
      parts.log(`webhook ${webhook.body.name} is told nothing any more: it has failed for too long (${why})`);
    else if (attempts === 1) parts.log(`webhook ${webhook.body.name} failed (${why}); it is tried again`);
  }

  function tick(): void {
    if (closed) return;
    for (const id of waiting) {
      if (under.size >= AT_ONCE) return;
      if (under.has(id) || (notBefore.get(id) ?? 0) > now()) continue;
      waiting.delete(id);
      const work = drain(id)
        .catch((error: unknown) => {
          waiting.add(id);
          parts.report('webhooks', error);
        })
        .finally(() => under.delete(id));
      under.set(id, work);
    }
  }

  const timer = setInterval(tick, TICK_MS);
  timer.unref();
  tick();
  return {
    wake(ids) {
      for (const id of ids) waiting.add(id);
      tick();
    },
    send,
    async close() {
      closed = true;
      clearInterval(timer);
      await sender.close();
      await Promise.all(under.values());
    },
  };
}

function placeOf({ row }: Webhook): {
  readonly id: string;
  readonly tenant: ResourceRow['tenant'];
  readonly before: ResourceRow;
} {
  return { id: row.id, tenant: row.tenant, before: row };
}
