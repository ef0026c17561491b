/** What this process holds of environments: links to workers, those that it is making, who listens. All of it may be lost (L1). */
import type { EnvironmentState, EnvironmentStatus } from '@perdure/protocol';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Workspace } from '../tools/ports.ts';
import { provision, workspacesOf } from './provision.ts';
import {
  changeRow,
  type EnvironmentRecord,
  type Found,
  findEnvironment,
  type FoundEnvironment,
  type HostedRecord,
} from './records.ts';
import { stateOf } from './shapes.ts';
import type { Standing } from './tell.ts';
import { Teller } from './teller.ts';
import { WorkerLink } from './worker-link.ts';
import { workerWorkspace } from './worker-workspace.ts';

export interface StateChange {
  readonly tenant: TenantId;
  /** The session that has it; null if none has. */
  readonly session: string | null;
  readonly state: EnvironmentState;
  /** Stable: the same change has the same id, whoever tells of it. */
  readonly id: string;
}
export type StateListener = (change: StateChange) => void;

/** Until a process looks whether a worker that was there when it died has come back, ms. */
export const WORKER_LOOK_MS = 300_000;

export class LiveEnvironments {
  readonly #engine: EngineContext;
  readonly #links = new Map<string, WorkerLink>();
  readonly #making = new Map<string, Promise<Found<HostedRecord>>>();
  readonly #listeners = new Set<StateListener>();
  readonly #stopped = new AbortController();
  #connections = 0;
  readonly #teller: Teller;

  constructor(engine: EngineContext) {
    this.#engine = engine;
    this.#teller = new Teller(engine);
  }

  listen(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(found: FoundEnvironment, mark: string = `v${found.row.version}`): void {
    const { row, record } = found;
    const id = `evt_${row.id}_${mark}`;
    const state = stateOf(found, this.statusOf(found));
    for (const listener of this.#listeners) listener({ tenant: row.tenant, session: record.session, state, id });
    this.tellSession(found);
  }

  /** Has the log of its session say how it stands. */
  tellSession(found: FoundEnvironment): void {
    const { row, record } = found;
    if (record.session === null) return;
    const { tenant, id } = row;
    this.#teller.tell({
      tenant,
      session: record.session as SessionId,
      standing: () => this.#standing(found),
      done: () => {
        if (record.type === 'openai_hosted') this.#told(tenant, id, toldMark(record));
      },
    });
  }

  #standing(found: FoundEnvironment): Standing {
    const { row, record } = found;
    const resets = record.type === 'openai_hosted' ? Math.max(0, record.attempts - 1) : 0;
    const status = this.statusOf(found);
    const error = status === 'failed' && record.error !== null ? { ...record.error } : null;
    const now = { environment: row.id, kind: record.type, status, ...(resets > 0 && { resets }) };
    return { now, error, files: record.type === 'openai_hosted' ? record.files.length : 0 };
  }

  /** Of what it has to be told no more, if it is that still. */
  #told(tenant: TenantId, id: string, told: string): void {
    changeRow<EnvironmentRecord>(this.#engine, { kind: 'environment', tenant, id }, ({ record }) =>
      record.type === 'openai_hosted' && toldMark(record) === told && record.told !== told
        ? { record: { ...record, told } }
        : null,
    )
      // It went, or the next look does it.
      .catch(() => undefined);
  }

  /** Something was committed to a session. */
  committed(session: SessionId): void {
    this.#teller.committed(session);
  }

  connected(id: string): boolean {
    return this.#links.get(id)?.connected === true;
  }

  statusOf({ row, record }: FoundEnvironment): EnvironmentStatus {
    if (record.type === 'openai_hosted') return record.status;
    return this.#links.get(row.id)?.connected === true ? 'connected' : 'disconnected';
  }

  /** Begins to make it, or finds that this process does already. */
  make(found: Found<HostedRecord>): Promise<Found<HostedRecord>> {
    const { id } = found.row;
    const under = this.#making.get(id);
    if (under !== undefined) return under;
    const made = this.#make(found).finally(() => this.#making.delete(id));
    this.#making.set(id, made);
    return made;
  }

  async #make(found: Found<HostedRecord>): Promise<Found<HostedRecord>> {
    const workspaces = workspacesOf(this.#engine);
    const made = await provision(this.#engine, { found, workspaces, signal: this.#stopped.signal });
    if (made.record.status !== 'pending') this.tell(made);
    return made;
  }

  /** What this process is making of it; null if nothing. */
  making(id: string): Promise<Found<HostedRecord>> | null {
    return this.#making.get(id) ?? null;
  }

  get busy(): number {
    return this.#making.size;
  }

  link({ row }: FoundEnvironment): WorkerLink {
    const held = this.#links.get(row.id);
    if (held !== undefined) return held;
    const made = new WorkerLink(this.#engine.clock, this.#engine.environments.limits, () => {
      this.#connections += 1;
      this.#changed(row.tenant, row.id, this.#connections);
    });
    this.#links.set(row.id, made);
    return made;
  }

  #changed(tenant: TenantId, id: string, count: number): void {
    const link = this.#links.get(id);
    if (link?.idle === true) this.#links.delete(id);
    // Its row still says that a worker was here: the next process looks.
    if (this.#stopped.signal.aborted) return;
    const connected = link?.connected === true;
    // A process that finds this row looks whether the worker is there still.
    const wakeAt = connected ? this.#engine.clock.now() + WORKER_LOOK_MS : null;
    const at = { kind: 'environment', tenant, id } as const;
    findEnvironment(this.#engine, tenant, id)
      .then(found => this.tell(found, `${this.#engine.owner}.${count}`))
      .then(() => changeRow<EnvironmentRecord>(this.#engine, at, ({ record }) => ({ record, wakeAt })))
      // The environment went while its worker did: nobody is left to be told.
      .catch(() => undefined);
  }

  workspace(found: FoundEnvironment): Workspace {
    return workerWorkspace({
      link: this.link(found),
      key: () => this.#engine.ids.next('req', '0000'),
    });
  }

  /** Its link goes, and with it what its worker was asked. */
  forget(id: string): void {
    this.#links.get(id)?.close();
    this.#links.delete(id);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#teller.stop();
    for (const id of this.#links.keys()) this.forget(id);
    await Promise.allSettled(this.#making.values());
  }
}

/** How a hosted environment stands, as far as its session is told. */
export function toldMark({ status, attempts }: Pick<HostedRecord, 'status' | 'attempts'>): string {
  return `${status}.${Math.max(0, attempts - 1)}`;
}
