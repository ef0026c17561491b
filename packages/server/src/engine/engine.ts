/** The engine: what the wire dialects call. Everything they can ask for is a method here; how it is done lies in the files beside. */
import {
  type CompactedResponse,
  type CreateResponse,
  type Metadata,
  type InputItem,
  perdureError,
  type ResponseResource,
  toPerdureError,
} from '@perdure/protocol';
import type { ResponseId, TenantId } from '../kernel/ids.ts';
import type { LoggedItem } from '../log/events.ts';
import type { WireEvent } from '../session/output.ts';
import { accompanied } from './accompany.ts';
import { agentCommitted } from './agent-sessions/agent-turn.ts';
import { admittedSessions } from './agent-sessions/admitted.ts';
import { type AgentSessions, agentSessions } from './agent-sessions/api.ts';
import { NO_HOST } from './agent-sessions/host.ts';
import { SessionHub } from './agent-sessions/hub.ts';
import type { Caller } from './caller.ts';
import { beginChoices, theOnly } from './choices.ts';
import { cancelResponse } from './cancel.ts';
import { compact, type Compacted, type CompactInput, shownRecord } from './compaction/compact.ts';
import { countInput } from './compaction/count.ts';
import { defaultCompaction } from './compaction/options.ts';
import { conversationCalls } from './conversation-calls.ts';
import type * as conversations from './conversations.ts';
import type { EngineContext } from './engine-context.ts';
import type { EngineOptions } from './engine-options.ts';
import { NO_ENVIRONMENTS } from './environments/desk.ts';
import { type EnvironmentsApi, environmentsApi } from './environments/environments-api.ts';
import { type FilesApi, filesApi, filesContext } from './files/files-api.ts';
import type { WireEvents } from './reading.ts';
import { type Following, followResponse, followTurn, runningTurn } from './follow.ts';
import { reserve } from './idempotency.ts';
import { makeKeyedCalls } from './keyed-call.ts';
import { Lease } from './lease.ts';
import { type LiveSession, Sessions } from './live-session.ts';
import { listPlacements, type PlacementListQuery, type PlacementPage } from './placement-pages.ts';
import { type PlacementRecord, readPlacement } from './placements.ts';
import { inferRequest } from './infer-request.ts';
import type { Placing } from './placing.ts';
import { isMadeAnew, outcomeOfRecord, readResponse, resourceOfRecord } from './read.ts';
import { recover, type RecoveryReport, takeUp } from './recovery.ts';
import { deleteResponse, type RemoveOptions } from './remove.ts';
import { KEEP_ALL } from './retention.ts';
import { makeSweeper, type SweepReport } from './retention-sweep.ts';
import { beginTurn, homeOf } from './respond.ts';
import { beginStateless, type StatelessCall, type StatelessRequest } from './stateless.ts';
import { TailCommits } from './tail-commits.ts';
import { settleDoubt } from './settle-doubt.ts';
import { NO_CAPS, SpendDesk } from './spend.ts';
import type { RunningTurn } from './turn.ts';
import {
  type TargetFacts,
  type UsageCursor,
  type UsagePage,
  usagePages,
  type UsageSource,
  type UsageWindow,
} from './usage.ts';
import { UsageFollower } from './usage-follower.ts';
import type { RespondInput, StoredResponse } from './stored-response.ts';
import { type Approvals, approvalsOf } from './tools/approvals.ts';
import { type SubagentsApi, subagentsApi } from './subagents/api.ts';
import { subagentHooks } from './subagents/hooks.ts';
import { withSubagents } from './subagents/tool-source.ts';
import { toolDesk } from './tools/desk.ts';
import { wakeSession } from './wake.ts';

export type { RespondInput, StoredResponse } from './stored-response.ts';

/** How long after a failed hold or write a session is looked at again, ms. */
const RECOVER_AGAIN_MS = 2000;

type KeyedRequest = StatelessRequest & { readonly idempotency?: RespondInput['idempotency'] };

export interface Engine {
  respond(input: RespondInput): Promise<StoredResponse>;
  stateless(input: KeyedRequest): Promise<StatelessCall>;
  /** Several answers to one request, in order: as many calls, to be made all. One that is refused is the end of all. */
  choices(input: KeyedRequest, count: number): Promise<readonly StatelessCall[]>;
  /** Compacts a context for its own sake. */
  compact(input: CompactInput): Promise<Compacted>;
  /** Tokens that a request for a response would send: an estimate. Nothing is stored and nobody is called. */
  countInput(caller: Caller, request: CreateResponse): Promise<number>;
  /** @param include what its reader asks to see; what the request asked for, if absent */
  response(caller: Caller, id: string, include?: readonly string[]): Promise<ResponseResource>;
  /** As clients see it: one that was only compacted has a form of its own. */
  shownResponse(caller: Caller, id: string, include?: readonly string[]): Promise<ResponseResource | CompactedResponse>;
  /** The stream of a stored response, live or from the log. @param signal aborted when the reader has left */
  stream(caller: Caller, id: string, after: number, signal?: AbortSignal): Promise<WireEvents>;
  /** Ends a background response; resolves with it as it ended. */
  cancelResponse(caller: Caller, id: string): Promise<ResponseResource>;
  inputItems(caller: Caller, id: string): Promise<readonly LoggedItem[]>;
  deleteResponse(caller: Caller, id: string, options?: RemoveOptions): Promise<void>;
  readonly conversations: {
    create(caller: Caller, items: readonly InputItem[], metadata: Metadata): Promise<conversations.NewConversation>;
    read(caller: Caller, id: string): Promise<conversations.ConversationView>;
    update(caller: Caller, id: string, metadata: Metadata): Promise<conversations.ConversationView>;
    delete(caller: Caller, id: string, options?: RemoveOptions): Promise<void>;
    addItems(caller: Caller, id: string, items: readonly InputItem[]): Promise<readonly LoggedItem[]>;
    listItems(
      caller: Caller,
      id: string,
      query: Parameters<typeof conversations.listItems>[3],
    ): Promise<conversations.ItemPage>;
    readItem(caller: Caller, id: string, item: string): Promise<LoggedItem>;
    deleteItem(caller: Caller, id: string, item: string): Promise<void>;
  };
  readonly agentSessions: AgentSessions;
  readonly subagents: SubagentsApi;
  /** What people say to tools that wait for them. */
  readonly approvals: Approvals;
  placement(caller: Caller, id: string): Promise<PlacementRecord>;
  placements(caller: Caller, query: PlacementListQuery): Promise<PlacementPage>;
  readonly placing: Placing;
  /** Metered calls of a window, newest first, page by page. It checks no tenant: whoever calls says whose (L10). */
  usage(window: UsageWindow, after?: UsageCursor | null): AsyncIterable<UsagePage>;
  /** The same calls told once each, as they end. @param from those placed before it may be left out, ms since 1970 */
  followUsage(from: number): UsageFollower;
  /** Tenants that have placements, over all homes. */
  tenants(): Promise<readonly TenantId[]>;
  readonly spend: SpendDesk;
  /** Ends what has lived its time, and erases what could not be erased before; it is done every now and then by itself. */
  sweep(): Promise<SweepReport>;
  readonly files: FilesApi;
  readonly environments: EnvironmentsApi;
  /** Takes up what the last process left, and begins to wake sessions whose time comes. */
  recover(): Promise<RecoveryReport>;
  /** Work under way: running turns and meters. */
  readonly busy: number;
  /** Takes no new work; waits for what runs, at most `ms`. What is still running then is left to the next process's recovery. */
  drain(ms: number): Promise<void>;
}

export function createEngine(options: EngineOptions): Engine {
  const { clock, homes, limits, owner } = options;
  let draining = false;
  const compaction = options.compaction ?? defaultCompaction();
  const spend = new SpendDesk({ ...(options.spend ?? NO_CAPS), now: () => clock.now() });
  /** Stateless calls under way. */
  let stateless = 0;
  /** Requests that were admitted and have not begun what they ask for. */
  let entering = 0;
  const context: EngineContext = {
    ...options,
    spend,
    compaction,
    sessions: new Sessions({
      ...options,
      storeMs: limits.storeMs,
      cacheBytes: limits.cacheBytes,
      atWork: ({ state }) => state?.turn != null && context.running.has(state.turn.response),
      committed: (events, more) => {
        spend.committed(events);
        agentCommitted(context, more);
        environments.committed(more.live.session);
      },
    }),
    lease: new Lease(owner, homes.all, clock, limits.leaseMs),
    retention: options.retention ?? KEEP_ALL,
    running: new Map(),
    finishing: { count: 0 },
    tools: withSubagents(toolDesk(options.tools), () => context),
    subagents: subagentHooks(() => context),
    agentHost: { ...NO_HOST, ...options.agentHost },
    hub: new SessionHub(),
    nudge: at => options.scheduler.nudge(at),
    tail: new TailCommits(),
    ...filesContext(options.files),
    environments: options.environments ?? NO_ENVIRONMENTS,
    workers: {
      connected: id => environments.sessions.connected(id),
      tell: (tenant, id) => environments.sessions.tell(tenant, id),
    },
    inferRequest: (state, turn) => inferRequest(context, state, turn),
    stopping: () => draining,
    recoverLater: ({ tenant, session, store }) =>
      void setTimeout(() => void recoverAgain({ tenant, session, store }), RECOVER_AGAIN_MS).unref(),
  };

  const sweeper = makeSweeper(context);
  const environments = environmentsApi(context, () => draining);

  function unlessDraining<T>(work: Promise<T>): Promise<T> {
    if (!draining) return context.sessions.wait(work);
    work.catch(() => undefined);
    return Promise.reject(perdureError('server_draining'));
  }

  /** 1 while recovery is under way. */
  let recovering = 0;
  async function takeUpAll(): Promise<RecoveryReport> {
    recovering = 1;
    try {
      await spend.rebuild({ ...usageSource, wait: unlessDraining });
      const report = await recover(context, () => draining);
      if (!draining) options.scheduler.start(row => wakeSession(context, row));
      if (!draining) sweeper.start();
      return report;
    } finally {
      recovering = 0;
    }
  }

  const usageSource: UsageSource = {
    homes: homes.all,
    wait: work => context.sessions.wait(work),
    target: options.targetFacts ?? (() => Promise.resolve<TargetFacts | null>(null)),
  };

  async function recoverAgain(at: Pick<LiveSession, 'tenant' | 'session' | 'store'>): Promise<void> {
    if (draining) return;
    try {
      const taken = await takeUp(context, at);
      if (taken !== 'turns') await settleDoubt(context, at);
    } catch (error) {
      context.report('recovery', toPerdureError(error));
      context.recoverLater(at);
    }
  }

  /** Runs `enter` if there is room for what it begins, `count` of a kind; until they count by themselves, their places are held. */
  async function admitted<T>(enter: () => Promise<T>, count = 1): Promise<T> {
    if (draining) throw perdureError('server_draining', undefined, { retryAfterMs: 1000 });
    if (context.running.size + stateless + entering + count > limits.concurrent) {
      throw perdureError('rate_limit_exceeded', 'The server is doing as much at once as it is configured to.', {
        retryAfterMs: count > limits.concurrent ? Number.POSITIVE_INFINITY : 1000,
      });
    }
    entering += count;
    try {
      if (!spend.idle) await spend.ready;
      return await enter();
    } finally {
      entering -= count;
    }
  }

  /** Counts the call from when it is made to its last step. */
  function counted(call: StatelessCall): StatelessCall {
    return accompanied(call, {
      begin: () => void (stateless += 1),
      end: async () => void (stateless -= 1),
    });
  }

  async function respond(input: RespondInput): Promise<StoredResponse> {
    const { caller, request, labels, idempotency } = input;
    if (idempotency === null)
      return ofTurn(caller, await beginTurn(context, { caller, request, labels, reserved: null }));
    const route = 'POST /v1/responses';
    const home = homeOf(context, { caller, request, labels });
    let reserved = await reserve(context, caller, { ...idempotency, route, home });
    let found = reserved.type === 'fresh' ? null : await again(caller, reserved.id);
    if (found?.madeAnew === true) {
      // It stays what it is, under its id. Of two that come at once one gets the key, and the other finds what that makes.
      await reserved.release();
      reserved = await reserve(context, caller, { ...idempotency, route, home });
      found = reserved.type === 'fresh' ? null : await again(caller, reserved.id);
    }
    if (found !== null) return found.response;
    try {
      return ofTurn(caller, await beginTurn(context, { caller, request, labels, reserved: reserved.id }));
    } catch (error) {
      const problem = toPerdureError(error);
      // Two of the same request at once: the other one's response is this one's too.
      const other = problem.code === 'idempotency_in_progress' ? await again(caller, reserved.id) : null;
      if (other !== null) return other.response;
      // Its id is taken, and it is in no read.
      if (problem.code === 'idempotency_in_progress') throw perdureError('idempotency_completed', GONE);
      if (reserved.type === 'fresh' && problem.status < 500) await reserved.release();
      throw problem;
    }
  }

  /** The response that an idempotency key made before, and whether it is made anew; null if it was never committed. */
  async function again(
    caller: Caller,
    id: ResponseId,
  ): Promise<{ readonly response: StoredResponse; readonly madeAnew: boolean } | null> {
    const running = context.running.get(id);
    if (running !== undefined) return { response: ofTurn(caller, running), madeAnew: false };
    try {
      return { madeAnew: isMadeAnew(await readResponse(context, caller, id)), response: stored(caller, id) };
    } catch (error) {
      if (toPerdureError(error).code === 'response_not_found') return null;
      throw error;
    }
  }

  /** A response from the log. */
  function stored(caller: Caller, id: ResponseId): StoredResponse {
    return {
      id,
      placement: null,
      // Not before it is asked for: a reader of the stream never does, and what rejects unheard ends the process.
      get done() {
        return settledResponse(caller, id);
      },
      now: () => response(caller, id),
      stopAtBoundary: () => undefined,
      events: (after, signal) => replay(caller, id, { after: after ?? -1, signal }),
    };
  }

  async function settledResponse(caller: Caller, id: ResponseId): Promise<ResponseResource> {
    const running = await runningTurn(context, caller, id);
    return running === null ? outcomeOfRecord(await readResponse(context, caller, id)) : running.done;
  }

  function ofTurn(caller: Caller, turn: RunningTurn): StoredResponse {
    return {
      id: turn.base.id,
      placement: turn.placement,
      done: turn.done,
      now: async () => turn.resource('in_progress'),
      stopAtBoundary: () => void (turn.boundary.asked = true),
      events: (after, signal) => followTurn(context, caller, turn, { after: after ?? -1, signal }),
    };
  }

  async function response(caller: Caller, id: string, include?: readonly string[]): Promise<ResponseResource> {
    return resourceOfRecord(await readResponse(context, caller, id), include);
  }

  async function* replay(caller: Caller, id: string, from: Following): AsyncGenerator<readonly WireEvent[]> {
    yield* await followResponse(context, caller, id, from);
  }

  const keyed = makeKeyedCalls(context);
  const beginCalls: Engine['choices'] = async (input, count) => {
    const begin = () => beginChoices(() => beginStateless(context, input), count);
    const calls = input.idempotency == null ? begin() : keyed(input.caller, input.idempotency, begin);
    return (await calls).map(counted);
  };

  return {
    respond: input => admitted(() => respond(input)),
    stateless: input => admitted(() => beginCalls(input, 1).then(theOnly)),
    choices: (input, count) => admitted(() => beginCalls(input, count), count),
    compact: input => admitted(() => compact(context, input)),
    countInput: (caller, request) => countInput(context, caller, request),
    response,
    shownResponse: async (caller, id, include) => shownRecord(await readResponse(context, caller, id), include),
    stream: (caller, id, after, signal) => followResponse(context, caller, id, { after, signal }),
    cancelResponse: (caller, id) => cancelResponse(context, caller, id),
    inputItems: async (caller, id) => (await readResponse(context, caller, id)).input,
    deleteResponse: (caller, id, options) => deleteResponse(context, caller, id, options ?? { cascade: false }),
    conversations: conversationCalls(context),
    approvals: approvalsOf(context),
    subagents: subagentsApi(context),
    agentSessions: admittedSessions(agentSessions(context, context.agentHost), admitted),
    placement: (caller, id) => readPlacement(context, caller, id),
    placements: (caller, query) => listPlacements(context, caller, query),
    placing: options.placing,
    usage: (window, after) => usagePages(usageSource, window, after),
    followUsage: from => new UsageFollower(usageSource, from),
    tenants: async () => {
      const all = await Promise.all(homes.all.map(store => context.sessions.wait(store.tenants())));
      return [...new Set(all.flat())].toSorted();
    },
    spend,
    sweep: () => sweeper.now(),
    files: filesApi(context, () => draining),
    environments,
    recover: takeUpAll,
    get busy() {
      return context.running.size + stateless + context.finishing.count;
    },
    async drain(ms) {
      draining = true;
      await Promise.all([options.scheduler.stop(), sweeper.stop(), environments.stop()]);
      const until = clock.monotonic() + ms;
      // Recovery reads on until it sees that it is to end: the stores stay open for it, too.
      while (recovering + context.running.size + stateless + context.finishing.count > 0 && clock.monotonic() < until) {
        context.tail.flush();
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    },
  };
}

const GONE = 'The response of this Idempotency-Key was deleted, or its time is over.';
