/** Beginning a turn of an agent's session: the same as any stored turn, with the agent's configuration and its tools. */
import { type CreateResponse, type NewItem, perdureError, type PerdureError, toPerdureError } from '@perdure/protocol';
import { homeTag, idBody, type ResponseId } from '../../kernel/ids.ts';
import type { EventBody, JsonObject } from '../../log/events.ts';
import { actorOf, type Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { failurePayload } from '../failure-record.ts';
import { filesIn } from '../files/parts.ts';
import { withAttached } from '../files/with-attached.ts';
import { placeItems } from '../input.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { commitClaimed } from '../claim.ts';
import { begin } from '../respond.ts';
import { familyWork, isClosed } from '../subagents/family.ts';
import { offered, openToolbox, scopeOf } from '../tools/toolbox.ts';
import { makeAgentTurn } from './agent-turn.ts';
import { budgetSpent } from './bounds.ts';
import type { Answer } from './late-results.ts';
import { readConfig, type SessionConfig } from './session-config.ts';
import { type Waiting, whatWaits } from './waiting.ts';

/** Errors that are the turn's own: it ends with them, and whoever drives the session sees it. */
const OF_THE_TURN: ReadonlySet<string> = new Set([
  'placement_refused',
  'no_contract_in_force',
  'home_not_permitted',
  'label_not_allowed_here',
  'no_target_available',
  'context_length_exceeded',
  'spend_cap_reached',
  'session_budget_exceeded',
  'model_not_found',
]);

export interface Beginning {
  /** The id of its response, if an idempotency key reserved one. */
  readonly reserved: ResponseId | null;
  /** The result of a call that it begins with. */
  readonly answer?: Answer;
  /** Nobody asks for it who could be told why not: what can be said of it is said by a turn that failed. */
  readonly alone?: true;
}

/** Call it inside the session's queue, with no turn open. */
export async function beginAgentTurn(
  engine: EngineContext,
  caller: Caller,
  live: LiveSession,
  given: readonly NewItem[],
  { reserved, answer, alone }: Beginning,
): Promise<void> {
  const state = mustState(live);
  const config = await readConfig(engine, live);
  const id = reserved ?? (engine.ids.next('resp', homeTag(state.home)) as ResponseId);
  const waiting = await whatWaits(engine, live, answer ?? null);
  const items = [...waiting.items, ...given];
  let request = requestOf(config, items, null);
  try {
    const { labels, note } = await engine.agentHost.surroundings(state.tenant, config.environment);
    request = requestOf(config, items, note);
    const spent = await budgetSpent(engine, live);
    if (spent !== null) throw spent;
    if (await isClosed(engine, live)) throw perdureError('session_not_idle', 'The sub-agent is closed.');
    const scope = scopeOf(state, config, caller.principal);
    const toolbox = await openToolbox(engine, scope, AbortSignal.timeout(engine.tools.limits.toolMs));
    const tools = offered(toolbox, state.found ?? []);
    const before = state.subagents === undefined ? undefined : await familyWork(engine, live);
    const agent = { ...makeAgentTurn(config, toolbox), ...(before !== undefined && { before }) };
    const asked = {
      caller,
      request: { ...request, tools: tools as unknown as CreateResponse['tools'] },
      labels: labels.filter(label => !state.labels.includes(label)),
      reserved: id,
      agent,
      waiting,
    };
    await begin(engine, await withAttached(engine, asked, state), { type: 'append', live, previous: null });
  } catch (error) {
    const problem = toPerdureError(error);
    const said = OF_THE_TURN.has(problem.code) || (alone === true && isFinal(problem));
    if (!said || live.stale) throw problem;
    await failAtOnce(engine, caller, live, { id, request, problem, waiting });
  }
}

/** Whether it would be so again. */
function isFinal({ status, retryAfterMs }: PerdureError): boolean {
  return status < 500 && status !== 429 && retryAfterMs === undefined;
}

/** A turn that could not be begun, as a turn that failed. */
async function failAtOnce(
  engine: EngineContext,
  caller: Caller,
  live: LiveSession,
  {
    id,
    request,
    problem,
    waiting,
  }: {
    readonly id: ResponseId;
    readonly request: CreateResponse;
    readonly problem: PerdureError;
    readonly waiting: Waiting;
  },
): Promise<void> {
  const items = placeItems(request.input as readonly NewItem[], idBody(id, 'resp') ?? '', 0);
  const { code } = problem;
  const bodies: EventBody[] = [
    ...waiting.bodies,
    {
      type: 'input.accepted',
      head: {
        response: id,
        previous: null,
        count: items.length,
        answers: [],
        ...waiting.head,
        ...filesIn(items),
      },
      payload: { items },
    },
    {
      type: 'turn.started',
      head: { response: id, model: request.model, background: false, streamed: true, tools: null, instructions: null },
      payload: null,
    },
    { type: 'turn.failed', head: { response: id, code }, payload: failurePayload(problem) },
  ];
  await commitClaimed(engine, live, bodies, actorOf(caller));
}

/** An agent's configuration as the request that a model is asked with. */
function requestOf({ agent }: SessionConfig, input: readonly NewItem[], note: string | null): CreateResponse {
  const reasoning = (agent['reasoning'] ?? {}) as JsonObject;
  const text = (agent['text'] ?? {}) as JsonObject;
  const thinks = reasoning['effort'] != null || reasoning['summary'] != null;
  const instructions = [agent['instructions'], note].filter(text => typeof text === 'string').join('\n\n');
  const tier = agent['service_tier'];
  const request: { readonly [field: string]: unknown } = {
    model: agent.model,
    input,
    tools: [],
    text: textOf(text),
    metadata: {},
    include: [],
    store: true,
    stream: true,
    background: false,
    ...(thinks && { reasoning: { effort: reasoning['effort'] ?? null, summary: reasoning['summary'] ?? null } }),
    ...(instructions !== '' && { instructions }),
    ...(typeof tier === 'string' && tier !== 'auto' && { service_tier: tier }),
    // A session of an agent has no client that would cut its context.
    context_management: [{ type: 'compaction' }],
  };
  return request as unknown as CreateResponse;
}

function textOf(text: JsonObject): JsonObject {
  const format = (text['format'] ?? { type: 'text' }) as JsonObject;
  const verbosity = text['verbosity'];
  const named =
    format['type'] === 'json_schema'
      ? { type: 'json_schema', name: 'output', description: null, schema: format['schema'] ?? {}, strict: false }
      : { type: 'text' };
  return { format: named, ...(typeof verbosity === 'string' && verbosity !== 'medium' && { verbosity }) };
}

/** @throws session_queue_full, session_not_idle */
export function mustTakeInput(live: LiveSession): void {
  if (live.stale) throw perdureError('session_not_idle');
}
