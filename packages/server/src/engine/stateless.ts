/**
 * Stateless calls: nothing of their content is written anywhere. What is written is that they happened: a log of their own with the
 * placement, the reservation and the meter (L5). Here the call is placed; `stateless-run.ts` makes it.
 */
import { type CreateResponse, perdureError } from '@perdure/protocol';
import { homeTag, idBody, type SessionId } from '../kernel/ids.ts';
import type { SessionOrigin } from '../log/events.ts';
import type { Step } from '../log/steps.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { matchInput, readInput, refuseForeign } from './compaction/input.ts';
import { boundsOf } from './compaction/measure.ts';
import { readContext } from './compaction/read-context.ts';
import {
  afterCompaction,
  nothingMore,
  placementOf,
  type StatelessContext,
  statelessContext,
} from './compaction/stateless-context.ts';
import { placeItems, requireOutputs } from './input.ts';
import type { InferRequest } from './placing.ts';
import type { CallSettings, ContextRun } from './ports.ts';
import { recordRefusal } from './refusal.ts';
import { callSettings, sayings } from './settings.ts';
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
  /** Null if no call is made. */
  readonly placement: string | null;
  readonly base: ResponseBase;
  /** The answer as it comes: pull to make the call. The last step of the last batch is the `end`. @throws PerdureError */
  readonly steps: AsyncIterable<readonly Step[]>;
  /** The answer once it is complete; its last step is the `end`. @throws PerdureError */
  answer(): Promise<readonly Step[]>;
}

/** Places the call. @throws PerdureError if it is refused or its input does not fit */
export async function beginStateless(engine: EngineContext, input: StatelessRequest): Promise<StatelessCall> {
  const { caller, request } = input;
  const store = engine.homes.all[0];
  if (store === undefined) throw perdureError('store_unavailable');
  const before = await readContext(engine, caller, request);
  const items = await readInput(engine, caller, request.input);
  if (request.compaction_trigger !== true || items.length > 0)
    requireOutputs(before.openCalls, matchInput(items, before.openCalls));
  const session = engine.ids.next('sess', homeTag(store.home)) as SessionId;
  const body = idBody(session, 'sess') ?? '';
  const origin: SessionOrigin = {
    product: caller.product,
    channel: caller.channel,
    segment: caller.segment,
    stateHeld: false,
    readings: engine.placing.readings(),
  };
  const { settings, tools, instructions } = sayings(request);
  const call = { ...callSettings(settings, tools, instructions), ...input.extra };
  // What it continues is read: its labels count for this call as for one of its session (L8).
  const labels = [...before.labels, ...input.labels];
  const placedItems = placeItems(items, body, 0);
  const given = { history: before.history, items: placedItems, settings: call, labels, body };
  const sent = await statelessContext(engine, input, given);
  const { context, compaction } = sent;
  const base: ResponseBase = {
    id: `resp_${body}` as ResponseBase['id'],
    model: request.model,
    createdAt: seconds(engine.clock.now()),
    previous: (request.previous_response_id ?? null) as ResponseBase['previous'],
    conversation: null,
    settings,
    tools,
    instructions,
    store: false,
    background: false,
  };
  if (!sent.answers) return { body, base, placement: placementOf(body, sent), ...shown(sent, nothingMore()) };
  const facts: InferRequest = {
    tenant: caller.tenant,
    session,
    origin,
    labels,
    startedAt: engine.clock.now(),
    use: { turns: 1, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 },
    model: request.model,
    purpose: 'turn',
    requestLabels: labels,
    ...boundsOf(
      engine,
      { model: request.model, context, settings: call },
      textSize(context) + (instructions?.length ?? 0),
    ),
    avoid: [],
  };
  const placed = engine.placing.infer(facts);
  if (!placed.ok && placed.error.code === 'model_not_found') throw placed.error;
  if (!placed.ok) throw await recordRefusal(engine, caller, store, { ...placed, subject: null, origin });
  refuseForeign(placedItems, placed.target);
  const capped = engine.spend.hold(spendCall(facts, caller.principal, 1, placed));
  if (capped !== null) throw capped;
  const run = new StatelessRun(engine, {
    caller,
    store,
    facts,
    placed,
    context,
    call,
    signal: input.signal,
    whole: asksWhole(request),
  });
  const made = { body, base, placement: placementOf(body, sent) };
  if (compaction !== null) return { ...made, ...shown(sent, run.steps()) };
  return { ...made, steps: run.steps(), answer: () => run.answer() };
}

/** Both forms of an answer that begins with a compaction. */
function shown(
  { compaction }: StatelessContext,
  steps: AsyncIterable<readonly Step[]>,
): Pick<StatelessCall, 'steps' | 'answer'> {
  const all = compaction === null ? steps : afterCompaction(compaction, steps);
  return { steps: all, answer: () => gathered(all) };
}

async function gathered(steps: AsyncIterable<readonly Step[]>): Promise<readonly Step[]> {
  const all: Step[] = [];
  for await (const batch of steps) all.push(...batch);
  return all;
}

/** Characters of text in the items, without serialising them again. */
function textSize(context: readonly ContextRun[]): number {
  let size = 0;
  const walk = (value: unknown): void => {
    if (typeof value === 'string') size += value.length;
    else if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) walk(one);
  };
  walk(context);
  return size;
}
