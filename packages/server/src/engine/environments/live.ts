/** What this process holds of environments: links to workers, those that it is making, who listens. All of it may be lost (L1). */
import type { EnvironmentState, EnvironmentStatus } from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Workspace } from '../tools/ports.ts';
import { provision, workspacesOf } from './provision.ts';
import { type Found, findEnvironment, type FoundEnvironment, type HostedRecord } from './records.ts';
import { stateOf } from './shapes.ts';
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

export class LiveEnvironments {
  readonly #engine: EngineContext;
  readonly #links = new Map<string, WorkerLink>();
  readonly #making = new Map<string, Promise<Found<HostedRecord>>>();
  readonly #listeners = new Set<StateListener>();
  readonly #stopped = new AbortController();
  #connections = 0;

  constructor(engine: EngineContext) {
    this.#engine = engine;
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
    findEnvironment(this.#engine, tenant, id)
      .then(found => this.tell(found, `${this.#engine.owner}.${count}`))
      // The environment went while its worker did: nobody is left to be told.
      .catch(() => undefined);
    if (link?.idle === true) this.#links.delete(id);
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
    for (const id of this.#links.keys()) this.forget(id);
    await Promise.allSettled(this.#making.values());
  }
}
