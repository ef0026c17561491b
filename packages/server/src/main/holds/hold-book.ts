/**
 * Legal holds, over the control home's store.
 *
 * H1  A hold is in this book before it is in the store, and leaves it only after the store says that it was lifted: whoever is told that a
 *     hold stands finds nothing erased under it afterwards.
 * H2  A hold and its audit entry are one commit (C1).
 */
import { type CreateHold, type HoldResource, perdureError } from '@perdure/protocol';
import type { ControlRecord, ControlRecords } from '../../engine/control-records.ts';
import type { IdPrefix, SessionId, TenantId } from '../../kernel/ids.ts';
import { actorOf, auditEntry } from '../govern/audit.ts';

/** Lifted ones stay: they are evidence. */
const MAX_HOLDS = 10_000;

export interface Hold {
  readonly id: string;
  readonly tenant: string;
  readonly subject: string | null;
  readonly session: string | null;
  readonly reason: string;
  readonly reference: string | null;
  readonly placedBy: string;
  /** ms since 1970. */
  readonly placedAt: number;
  readonly lifted: { readonly by: string; readonly at: number } | null;
}

export interface HoldBookDeps {
  readonly store: ControlRecords;
  readonly now: () => number;
  readonly id: (prefix: IdPrefix) => string;
}

export class HoldBook {
  readonly #deps: HoldBookDeps;
  readonly #holds = new Map<string, { hold: Hold; version: number }>();
  /** Of holds in force: how many hold a whole tenant, or a session of one. */
  readonly #tenants = new Map<string, number>();
  readonly #sessions = new Map<string, number>();

  private constructor(deps: HoldBookDeps) {
    this.#deps = deps;
  }

  static async open(deps: HoldBookDeps): Promise<HoldBook> {
    const book = new HoldBook(deps);
    for (const { body, version } of await deps.store.records('hold')) {
      const hold = JSON.parse(body) as Hold;
      book.#holds.set(hold.id, { hold, version });
      if (hold.lifted === null) book.#count(hold, 1);
    }
    return book;
  }

  held(tenant: TenantId, session: SessionId): boolean {
    return this.#tenants.has(tenant) || this.#sessions.has(`${tenant} ${session}`);
  }

  /** In the order in which they were placed. */
  get all(): readonly Hold[] {
    return [...this.#holds.values()].map(({ hold }) => hold);
  }

  /** @throws hold_not_found */
  one(id: string): Hold {
    return this.#kept(id).hold;
  }

  /** @param session in which the subject lies; null for a whole tenant */
  async place(who: string, { tenant, subject, reason, reference }: CreateHold, session: string | null): Promise<Hold> {
    const { store, now, id } = this.#deps;
    if (this.#holds.size >= MAX_HOLDS)
      throw perdureError('invalid_request', `This server keeps at most ${MAX_HOLDS} holds.`);
    const hold: Hold = {
      id: id('hld'),
      tenant,
      subject: subject ?? null,
      session,
      reason,
      reference: reference ?? null,
      placedBy: who,
      placedAt: now(),
      lifted: null,
    };
    this.#count(hold, 1);
    try {
      if (!(await store.putRecord(recordOf(hold, 1), this.#entry(hold, who, 'hold.placed'))))
        throw perdureError('record_changed');
    } catch (error) {
      // What became of it may be unknown. A hold too many, until the next start, is better than one too few.
      if (isRefused(error)) this.#count(hold, -1);
      throw error;
    }
    this.#holds.set(hold.id, { hold, version: 1 });
    return hold;
  }

  /** @throws hold_not_found, not_pending if it was lifted before */
  async lift(who: string, id: string): Promise<Hold> {
    const { hold, version } = this.#kept(id);
    if (hold.lifted !== null) throw perdureError('not_pending', 'This hold was lifted before.');
    const lifted: Hold = { ...hold, lifted: { by: who, at: this.#deps.now() } };
    const entry = this.#entry(lifted, who, 'hold.lifted');
    if (!(await this.#deps.store.putRecord(recordOf(lifted, version + 1), entry))) throw perdureError('record_changed');
    this.#holds.set(id, { hold: lifted, version: version + 1 });
    this.#count(hold, -1);
    return lifted;
  }

  #kept(id: string): { readonly hold: Hold; readonly version: number } {
    const kept = this.#holds.get(id);
    if (kept === undefined) throw perdureError('hold_not_found', `There is no hold '${id.slice(0, 64)}'.`);
    return kept;
  }

  #entry(hold: Hold, who: string, action: string): ReturnType<typeof auditEntry> {
    const { id: subject, tenant } = hold;
    return auditEntry({ at: this.#deps.now(), actor: actorOf(who), action, subject, tenant, body: hold });
  }

  #count({ tenant, session }: Hold, by: 1 | -1): void {
    const [counts, key] =
      session === null ? ([this.#tenants, tenant] as const) : ([this.#sessions, `${tenant} ${session}`] as const);
    const count = (counts.get(key) ?? 0) + by;
    if (count > 0) counts.set(key, count);
    else counts.delete(key);
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'record_changed';
}

function recordOf(hold: Hold, version: number): ControlRecord {
  return { kind: 'hold', id: hold.id, tenant: hold.tenant, version, body: JSON.stringify(hold) };
}

export function holdResource(hold: Hold): HoldResource {
  const { id, tenant, subject, session, reason, reference, placedBy, placedAt, lifted } = hold;
  return {
    id,
    object: 'perdure.hold',
    state: lifted === null ? 'in_force' : 'lifted',
    tenant,
    subject,
    session,
    reason,
    reference,
    placed_by: placedBy,
    placed_at: Math.floor(placedAt / 1000),
    lifted_by: lifted?.by ?? null,
    lifted_at: lifted === null ? null : Math.floor(lifted.at / 1000),
  };
}
