/**
 * The webhooks of a deployment: those of the configuration and those made over the API. All of them are rows of the control home (those of
 * the configuration without their secret), and all are known in memory: every event asks who wants to be told.
 */
import { createHash } from 'node:crypto';
import { perdureError, type WebhookEvent } from '@perdure/protocol';
import type { AuditEntry } from '../../engine/control-records.ts';
import { MAX_RESOURCE_CHANGES, type ResourceChange, type ResourceRow, type Resources } from '../../engine/resources.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { WebhookConfig } from '../config/agent-rules.ts';
import { auditEntry } from '../govern/audit.ts';
import { hintOf, type SecretBox } from './secrets.ts';

/** Webhooks of a deployment, of all tenants together. */
export const WEBHOOKS_IN_ALL = 1000;

export interface SealedSecret {
  readonly sealed: string;
  readonly hint: string;
  /** Until when it signs, ms since 1970; null: it is the one in force. */
  readonly until: number | null;
}

export interface WebhookBody {
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly source: 'api' | 'config';
  readonly allowPrivate: boolean;
  readonly updatedAt: number;
  /** Empty for those of the configuration. */
  readonly secrets: readonly SealedSecret[];
  readonly failingSince: number | null;
  readonly lastError: string | null;
  readonly disabledAt: number | null;
}

export interface Webhook {
  readonly row: ResourceRow;
  readonly body: WebhookBody;
}

export class WebhookBook {
  readonly #store: Resources;
  readonly #box: SecretBox;
  readonly #configured: ReadonlyMap<string, WebhookConfig>;
  readonly #known = new Map<string, Webhook>();
  readonly #now: () => number;

  private constructor(
    store: Resources,
    { box, configured, now }: { box: SecretBox; configured: readonly WebhookConfig[]; now: () => number },
  ) {
    this.#store = store;
    this.#box = box;
    this.#now = now;
    this.#configured = new Map(configured.map(one => [configuredId(one), one]));
  }

  static async open(
    store: Resources,
    parts: { readonly box: SecretBox; readonly configured: readonly WebhookConfig[]; readonly now: () => number },
  ): Promise<WebhookBook> {
    const book = new WebhookBook(store, parts);
    // Each is due for ever: that is how those of all tenants are found.
    for (const row of await store.dueResources('webhook', Number.MAX_SAFE_INTEGER, WEBHOOKS_IN_ALL)) book.#keep(row);
    await book.#configure();
    return book;
  }

  /** Those of the configuration come, change and go with it. */
  async #configure(): Promise<void> {
    for (const { row, body } of this.#known.values())
      if (body.source === 'config' && !this.#configured.has(row.id)) await this.#gone(row);
    for (const [id, { url, events, tenant, allowPrivate, id: name }] of this.#configured) {
      const known = this.#known.get(id);
      const same =
        known !== undefined &&
        JSON.stringify([known.body.url, known.body.events, known.body.allowPrivate]) ===
          JSON.stringify([url, events, allowPrivate]);
      if (same) continue;
      const fresh = { failingSince: null, lastError: null, disabledAt: null, secrets: [], source: 'config' } as const;
      await this.put(
        { id, tenant: tenant as TenantId, before: known?.row ?? null },
        { name, url, events, allowPrivate, updatedAt: this.#now(), ...fresh },
        { action: known === undefined ? 'webhook.created' : 'webhook.changed', actor: 'config' },
      );
    }
  }

  async #gone(row: ResourceRow): Promise<void> {
    await this.remove(row, 'config');
  }

  #keep(row: ResourceRow): void {
    this.#known.set(row.id, { row, body: JSON.parse(row.body) as WebhookBody });
  }

  get all(): readonly Webhook[] {
    return [...this.#known.values()];
  }

  one(id: string): Webhook | undefined {
    return this.#known.get(id);
  }

  /** Those of a tenant (and of all) that are told an event. */
  told(tenant: string, event: WebhookEvent): readonly Webhook[] {
    return this.all.filter(
      ({ row, body }) =>
        (row.tenant === tenant || row.tenant === '*') && body.disabledAt === null && body.events.includes(event),
    );
  }

  /** What signs now: the secret in force first. */
  secrets({ row, body }: Webhook): readonly string[] {
    const configured = this.#configured.get(row.id);
    if (configured !== undefined) return [configured.secret];
    return body.secrets
      .filter(({ until }) => until === null || until > this.#now())
      .toSorted((a, b) => Number(a.until !== null) - Number(b.until !== null))
      .flatMap(({ sealed }) => this.#box.open(ownerOf(row), sealed) ?? []);
  }

  hint({ row, body }: Webhook): string | null {
    const configured = this.#configured.get(row.id);
    if (configured !== undefined) return hintOf(configured.secret);
    return body.secrets.find(({ until }) => until === null)?.hint ?? null;
  }

  sealed(row: Pick<ResourceRow, 'id' | 'tenant'>, secret: string): SealedSecret {
    return { sealed: this.#box.seal(ownerOf(row), secret), hint: hintOf(secret), until: null };
  }

  /**
   * Keeps a webhook, with other changes in the same commit.
   * @throws record_changed if somebody else changed it meanwhile
   */
  async put(
    { id, tenant, before }: { readonly id: string; readonly tenant: TenantId; readonly before: ResourceRow | null },
    body: WebhookBody,
    how: { readonly action: string; readonly actor: string } | null,
    more: readonly ResourceChange[] = [],
  ): Promise<Webhook> {
    const row: ResourceRow = {
      kind: 'webhook',
      tenant,
      id,
      parent: null,
      version: (before?.version ?? 0) + 1,
      createdAt: before?.createdAt ?? this.#now(),
      wakeAt: 0,
      body: JSON.stringify(body),
    };
    const entry = how === null ? null : this.#entry(row, body, how);
    if (!(await this.#store.changeResources([...more, { op: 'put', row }], entry)))
      throw perdureError('record_changed');
    this.#keep(row);
    return { row, body };
  }

  async remove(row: ResourceRow, actor: string): Promise<void> {
    const { id, tenant, version, body } = row;
    const entry = this.#entry(row, JSON.parse(body) as WebhookBody, { action: 'webhook.deleted', actor });
    const gone = await this.#store.changeResources([{ op: 'remove', kind: 'webhook', tenant, id, version }], entry);
    if (!gone) throw perdureError('record_changed');
    this.#known.delete(id);
    await this.#forget(row, 'webhook_delivery');
    await this.#forget(row, 'webhook_delivered');
  }

  /** What it was told, and was to be told. A process that ends on the way leaves some, which nobody is shown. */
  async #forget({ id: parent, tenant }: ResourceRow, kind: 'webhook_delivery' | 'webhook_delivered'): Promise<void> {
    for (;;) {
      const rows = await this.#store.resources({
        kind,
        tenant,
        parent,
        order: 'asc',
        limit: MAX_RESOURCE_CHANGES,
        after: null,
      });
      if (rows.length === 0) return;
      const gone = rows.map(({ id, version }): ResourceChange => ({ op: 'remove', kind, tenant, id, version }));
      // Another has changed one: what is there now is looked at again.
      await this.#store.changeResources(gone, null);
    }
  }

  #entry(
    { id, tenant }: ResourceRow,
    { secrets: _secrets, url, ...shown }: WebhookBody,
    { action, actor }: { readonly action: string; readonly actor: string },
  ): AuditEntry {
    // An address can hold a secret of its own: its host is enough to know whom it told.
    return auditEntry({
      at: this.#now(),
      actor,
      action,
      subject: id,
      tenant,
      body: { ...shown, host: new URL(url).host },
    });
  }
}

function ownerOf({ id, tenant }: Pick<ResourceRow, 'id' | 'tenant'>): string {
  return JSON.stringify([tenant, id]);
}

/** A webhook of the configuration keeps its id as long as it keeps its name and whose events it is told. */
function configuredId({ id, tenant }: WebhookConfig): string {
  return `whk_config${createHash('sha256')
    .update(JSON.stringify([tenant, id]))
    .digest('hex')
    .slice(0, 20)}`;
}
