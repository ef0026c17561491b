/**
 * Stateless calls: nothing of their content is written anywhere. What is written is that they happened: a log of their own with the
 * placement, the reservation and the meter (L5). Here the call is placed; `stateless-run.ts` makes it.
 */
import { type CreateResponse, perdureError } from '@perdure/protocol';
import { homeTag, idBody, placementId, type SessionId } from '../kernel/ids.ts';
import type { Json, LoggedItem, SessionOrigin } from '../log/events.ts';
import type { Step } from '../log/steps.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { attach } from './files/attach.ts';
import { resolveNow } from './files/resolve.ts';
import { union } from './files/with-attached.ts';
import { matchCalls, placeItems, requireOutputs, resolveReferences } from './input.ts';
import { findItem } from './items.ts';
import type { InferRequest } from './placing.ts';
import type { CallSettings } from './ports.ts';
import { recordRefusal } from './refusal.ts';
import { callSettings, functionTools, storedSettings } from './settings.ts';
import { spendCall } from './spend-call.ts';
import { StatelessRun } from './stateless-run.ts';
import { type ResponseBase, seconds } from './turn.ts';

/** Output tokens up to which an answer is asked for in one piece. */
export const WHOLE_MOST = 2048;

/**
 * Whether an answer that nobody streams is asked for in one piece: cheaper for both sides, but the upstream is silent until its end, so it must
 * be short enough to come within the deadline of a first byte.
 */
export function asksWhole(request: Pick<CreateResponse, 'stream' | 'max_output_tokens'>): boolean {
  return !request.stream && (request.max_output_tokens ?? Number.POSITIVE_INFINITY) <= WHOLE_MOST;
}

export interface StatelessRequest {
  readonly caller: Caller;
  readonly request: CreateResponse;
  /** What Chat Completions knows and Responses does not. */
  readonly extra: Pick<CallSettings, 'stop' | 'seed'>;
  readonly labels: readonly string[];
  /** Aborts the call: the client left. */
  readonly signal: AbortSignal;
}

/** A placed call. It is made once, by `steps` or by `answer`. */
export interface StatelessCall {
  /** The id body of the call: ids of its response and items are made of it. */
  readonly body: string;
  readonly placement: string;
  readonly target: { readonly id: string; readonly cloud: string; readonly region: string };
  readonly base: ResponseBase;
  /** The answer as it comes: pull to make the call. The last step of the last batch is the `end`. @throws PerdureError */
  readonly steps: AsyncIterable<readonly Step[]>;
  /** The answer once it is complete; its last step is the `end`. @throws PerdureError */
  answer(): Promise<readonly Step[]>;
}

const ONE_TURN = { turns: 1, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 };

/** Places the call. @throws PerdureError if it is refused or its input does not fit */
export async function beginStateless(engine: EngineContext, input: StatelessRequest): Promise<StatelessCall> {
  const { caller, request } = input;
  const store = engine.homes.all[0];
  if (store === undefined) throw perdureError('store_unavailable');
  const items = await resolveReferences(request.input, id => findItem(engine, caller, id));
  requireOutputs([], matchCalls(items, []));
  const session = engine.ids.next('sess', homeTag(store.home)) as SessionId;
  const body = idBody(session, 'sess') ?? '';
  const origin: SessionOrigin = {
    product: caller.product,
    channel: caller.channel,
    segment: caller.segment,
    stateHeld: false,
    readings: engine.placing.readings(),
  };
  const attached = await attach(engine, items, {
    tenant: caller.tenant,
    param: 'input',
    signal: input.signal,
    session,
    origin,
    labels: [],
    startedAt: engine.clock.now(),
    use: ONE_TURN,
    model: request.model,
    requestLabels: input.labels,
  });
  const labels = union(input.labels, attached.labels);
  const settings = storedSettings(request);
  const tools = functionTools(request) as unknown as Json;
  const instructions = request.instructions ?? null;
  const given: readonly LoggedItem[] = placeItems(items, body, 0);
  const context = await resolveNow(engine, caller.tenant, given, attached);
  const facts: InferRequest = {
    tenant: caller.tenant,
    session,
    origin,
    labels,
    startedAt: engine.clock.now(),
    use: ONE_TURN,
    model: request.model,
    purpose: 'turn',
    requestLabels: labels,
    inputBytes: textSize(given) + attached.bytes + (instructions?.length ?? 0),
    outputBound: request.max_output_tokens ?? null,
    avoid: [],
  };
  const placed = engine.placing.infer(facts);
  if (!placed.ok && placed.error.code === 'model_not_found') throw placed.error;
  if (!placed.ok) throw await recordRefusal(engine, caller, store, { ...placed, subject: null, origin });
  const capped = engine.spend.hold(spendCall(facts, caller.principal, 1, placed));
  if (capped !== null) throw capped;
  const run = new StatelessRun(engine, {
    caller,
    store,
    facts,
    placed,
    context: [{ items: context }],
    call: { ...callSettings(settings, tools, instructions), ...input.extra },
    signal: input.signal,
    whole: asksWhole(request),
  });
  return {
    body,
    placement: placementId(body, 1),
    target: { id: placed.target.id, cloud: placed.target.cloud, region: placed.target.region },
    base: {
      id: `resp_${body}` as ResponseBase['id'],
      model: request.model,
      createdAt: seconds(engine.clock.now()),
      previous: null,
      conversation: null,
      settings,
      tools,
      instructions,
      store: false,
      background: false,
    },
    steps: run.steps(),
    answer: () => run.answer(),
  };
}

/** Characters of text in the items, without serialising them again. */
function textSize(items: readonly LoggedItem[]): number {
  let size = 0;
  const walk = (value: unknown): void => {
    if (typeof value === 'string') size += value.length;
    else if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) walk(one);
  };
  walk(items);
  return size;
}
