/** What the engine offers of environments. Every call names its caller or tenant, and reaches that tenant's alone (L10). */
import {
  type EnvironmentBody,
  type EnvironmentFile,
  type EnvironmentFilePage,
  type EnvironmentGiven,
  type EnvironmentInfo,
  type EnvironmentTemplate,
  type FileGiven,
  perdureError,
  type SessionArtifact,
  type SessionEnvironment,
  type TemplateBody,
  type WorkerSays,
  type WorkerTold,
  type WorkerToken,
} from '@perdure/protocol';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Idempotent } from '../idempotency.ts';
import type { WorkspaceSpec } from '../tools/ports.ts';
import * as artifacts from './artifacts.ts';
import type { ForSession } from './create.ts';
import * as life from './environments.ts';
import { type FilesQuery, listFiles, putFile } from './files.ts';
import { LiveEnvironments, type StateListener } from './live.ts';
import { findEnvironment, type Page, type RowQuery } from './records.ts';
import { sweepEnvironments } from './sweep.ts';
import * as templates from './templates.ts';
import { askThrough, type HttpAnswer, type HttpAsked } from './worker-http.ts';
import { createToken, environmentOfToken, listTokens, revokeToken } from './worker-tokens.ts';

export interface EnvironmentsApi {
  create(caller: Caller, body: EnvironmentBody, idempotency: Idempotent | null): Promise<EnvironmentInfo>;
  read(caller: Caller, id: string): Promise<EnvironmentInfo>;
  list(caller: Caller, query: RowQuery & { readonly type: EnvironmentInfo['type'] }): Promise<Page<EnvironmentInfo>>;
  /** One that no session has. */
  delete(caller: Caller, id: string): Promise<void>;
  readonly files: {
    put(caller: Caller, environment: string, given: FileGiven): Promise<EnvironmentFile>;
    list(caller: Caller, environment: string, query: FilesQuery): Promise<EnvironmentFilePage>;
  };
  readonly templates: {
    create(caller: Caller, body: TemplateBody): Promise<EnvironmentTemplate>;
    read(caller: Caller, id: string): Promise<EnvironmentTemplate>;
    update(caller: Caller, id: string, body: TemplateBody): Promise<EnvironmentTemplate>;
    delete(caller: Caller, id: string): Promise<void>;
    list(caller: Caller, query: RowQuery): Promise<Page<EnvironmentTemplate>>;
  };
  readonly artifacts: {
    /** See `collectArtifacts`. */
    collect(from: artifacts.CollectFrom): Promise<artifacts.Collected>;
    read(caller: Caller, session: string, id: string): Promise<SessionArtifact>;
    content(caller: Caller, session: string, id: string): Promise<artifacts.ArtifactContent>;
    list(
      caller: Caller,
      session: string,
      query: RowQuery & { readonly environment: string | null },
    ): Promise<Page<SessionArtifact>>;
    delete(caller: Caller, session: string, id: string): Promise<void>;
  };
  readonly workers: {
    createToken(caller: Caller, environment: string): Promise<WorkerToken>;
    tokens(caller: Caller, environment: string): Promise<readonly WorkerToken[]>;
    revokeToken(caller: Caller, environment: string, id: string): Promise<void>;
    /** Whose token it is; asked before anything that it says is read. @throws invalid_api_key */
    admit(environment: string, token: string | null): Promise<AdmittedWorker>;
  };
  /** For sessions. */
  readonly sessions: {
    /** The environment that a new session asks for. */
    bind(
      caller: Caller,
      asked: { readonly given: EnvironmentGiven; readonly vaults: readonly string[]; readonly of: ForSession },
    ): Promise<life.SessionBinding>;
    /** The same, in wire form both. */
    wire(
      caller: Caller,
      asked: { readonly given: JsonObject; readonly vaults: readonly string[]; readonly session: SessionId },
    ): Promise<SessionEnvironment>;
    /** What `use` opens for tools; null if the session (its environment in wire form) has none. */
    spec(tenant: TenantId, environment: JsonObject): Promise<WorkspaceSpec | null>;
    /** As the session shows it now. */
    binding(tenant: TenantId, id: string): Promise<life.SessionBinding>;
    /** Opens its workspace; waits until it is made. */
    use(tenant: TenantId, id: string): Promise<life.Used>;
    /** Whether a worker must connect before its tools can run. */
    needsWorker(tenant: TenantId, id: string): Promise<boolean>;
    /** Whether a worker of it is connected here now. */
    connected(id: string): boolean;
    /** Asks an address by the worker of a self-hosted one, from its own network. */
    ask(tenant: TenantId, id: string, asked: HttpAsked): Promise<HttpAnswer>;
    /** Has the session's log say how its environment stands. */
    tell(tenant: TenantId, id: string): Promise<void>;
    /** Told of every change of every environment, of which a session's stream tells its own. @returns what ends it */
    listen(listener: StateListener): () => void;
    /** The session was deleted: its environment and what is left of its artifacts go. */
    end(tenant: TenantId, of: { readonly session: SessionId; readonly environment: string | null }): Promise<void>;
  };
  /** Makes what was left half made, suspends, expires, finishes deletions. @returns how many rows were dealt with */
  sweep(): Promise<number>;
  /** Something was committed to a session. */
  committed(session: SessionId): void;
  /** Ends what this process does of them: others go on with it. */
  stop(): Promise<void>;
}

export interface AdmittedWorker {
  /** Its exchange has begun to arrive. @returns what says that it has ended */
  arrive(): () => void;
  exchange(says: WorkerSays, left: AbortSignal): Promise<WorkerTold>;
}

export function environmentsApi(engine: EngineContext, draining: () => boolean): EnvironmentsApi {
  const live = new LiveEnvironments(engine);
  const mayBegin = (): void => {
    if (draining()) throw perdureError('server_draining', undefined, { retryAfterMs: 1000 });
  };
  return {
    async create(caller, body, idempotency) {
      mayBegin();
      return life.createEnvironment(engine, live, caller, body, idempotency);
    },
    read: (caller, id) => life.readEnvironment(engine, live, caller, id),
    list: (caller, query) => life.listEnvironments(engine, live, caller, query),
    delete: ({ tenant }, id) => life.deleteEnvironment(engine, live, tenant, { id, session: null }),
    files: {
      async put(caller, environment, given) {
        const used = await life.useEnvironment(engine, live, caller.tenant, environment);
        return putFile(engine, caller, used, given);
      },
      async list(caller, environment, query) {
        return listFiles(await life.useEnvironment(engine, live, caller.tenant, environment), query);
      },
    },
    templates: {
      create: (caller, body) => templates.createTemplate(engine, caller, body),
      read: (caller, id) => templates.readTemplate(engine, caller, id),
      update: (caller, id, body) => templates.updateTemplate(engine, caller, id, body),
      delete: (caller, id) => templates.deleteTemplate(engine, caller, id),
      list: (caller, query) => templates.listTemplates(engine, caller, query),
    },
    artifacts: {
      collect: from => artifacts.collectArtifacts(engine, from),
      read: (caller, session, id) => artifacts.readArtifact(engine, caller, session, id),
      content: (caller, session, id) => artifacts.artifactContent(engine, caller, session, id),
      list: (caller, session, query) => artifacts.listArtifacts(engine, caller, session, query),
      delete: (caller, session, id) => artifacts.deleteArtifact(engine, caller, session, id),
    },
    workers: {
      createToken: (caller, environment) => createToken(engine, caller, environment),
      tokens: (caller, environment) => listTokens(engine, caller, environment),
      revokeToken: (caller, environment, id) => revokeToken(engine, caller, environment, id),
      async admit(environment, token) {
        const found = await environmentOfToken(engine, environment, token);
        return {
          arrive: () => live.link(found).arrive(),
          exchange: (says, left) => {
            mayBegin();
            return live.link(found).exchange(says, left);
          },
        };
      },
    },
    sessions: {
      async bind(caller, asked) {
        mayBegin();
        return life.environmentFor(engine, live, caller, asked);
      },
      async wire(caller, asked) {
        mayBegin();
        return life.wireEnvironment(engine, live, caller, asked);
      },
      spec: (tenant, environment) => life.toolSpec(engine, tenant, environment),
      binding: async (tenant, id) => life.bindingOf(engine, await findEnvironment(engine, tenant, id)),
      use: (tenant, id) => life.useEnvironment(engine, live, tenant, id),
      async needsWorker(tenant, id) {
        const found = await findEnvironment(engine, tenant, id);
        return found.record.type === 'self_hosted' && live.statusOf(found) !== 'connected';
      },
      connected: id => live.connected(id),
      tell: async (tenant, id) => live.tellSession(await findEnvironment(engine, tenant, id)),
      async ask(tenant, id, asked) {
        const found = await findEnvironment(engine, tenant, id);
        if (found.record.type !== 'self_hosted') throw perdureError('environment_disconnected');
        return askThrough(live.link(found), engine.ids.next('req', '0000'), asked);
      },
      listen: listener => live.listen(listener),
      async end(tenant, of) {
        await life.endSessionEnvironments(engine, live, tenant, of);
        await artifacts.forgetArtifacts(engine, tenant, of.session);
      },
    },
    sweep: () => sweepEnvironments(engine, live),
    committed: session => live.committed(session),
    stop: () => live.stop(),
  };
}
