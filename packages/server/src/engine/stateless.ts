/**
 * Stateless calls: nothing of their content is written anywhere. What is written is that they happened: a log of their own with the
 * placement, the reservation and the meter (L5). Here the call is placed; `stateless-run.ts` makes it.
 */
import { type CreateResponse, perdureError } from '@perdure/protocol';
import { homeTag, idBody, type SessionId } from '../kernel/ids.ts';
import type { LoggedItem, SessionOrigin } from '../log/events.ts';
import type { Step } from '../log/steps.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { matchInput, readInput, refuseForeign } from './compaction/input.ts';
import { boundsOf } from './compaction/measure.ts';
import { expand } from './compaction/open-item.ts';
import {
  afterCompaction,
  nothingMore,
  placementOf,
  type SentContext,
  statelessContext,
} from './compaction/sent-context.ts';
import { attach } from './files/attach.ts';
import { resolveNow, resolveRuns } from './files/resolve.ts';
import { placeItems, requireKinds, requireOutputs } from './input.ts';
import type { InferRequest } from './placing.ts';
import type { CallSettings, ContextRun } from './ports.ts';
import { recordRefusal } from './refusal.ts';
import { callSettings, sayings } from './settings.ts';
import { union } from '../kernel/union.ts';
import { extended, type HeldContext, type StatelessContext, storedContext, textSize } from './stateless-context.ts';
import { spendCall } from './spend-call.ts';
import { StatelessRun } from './stateless-run.ts';
import { type ResponseBase, seconds } from './turn.ts';
import { warmUpCall } from './warm-up.ts';

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
  readonly extra: Pick<CallSettings, 'stop' | 'seed' | 'logitBias'>;
  readonly labels: readonly string[];
  /** Aborts the call: the client left. */
  readonly signal: AbortSignal;
  /** What the call continues, if its caller holds it; else `previous_response_id` names a stored response. */
  readonly before?: StatelessContext;
  /** Calls no model: the input is held ready for the call that continues it. */
  readonly warmUp?: boolean;
}

/** A placed call. It is made once, by `steps` or by `answer`. */
export interface StatelessCall {
  /** The id body of the call: ids of its response and items are made of it. */
  readonly body: string;
  /** Null if no model is called. */
  readonly placement: string | null;
  readonly target: { readonly id: string; readonly cloud: string; readonly region: string } | null;
  readonly base: ResponseBase;
  /** The answer as it comes: pull to make the call. The last step of the last batch is the `end`. @throws PerdureError */
  readonly steps: AsyncIterable<readonly Step[]>;
  /** The answer once it is complete; its last step is the `end`. @throws PerdureError */
  answer(): Promise<readonly Step[]>;
  /** Gives back what is held for a call that will not be made. */
  drop(): void;
  /** Asks it to end before its next item, where that is safe; it may also end as it would have. */
  stopAtBoundary(): void;
  /** What a call continues that comes after this one's output. */
  after(output: readonly LoggedItem[]): HeldContext;
}

/** Of the session that the call would be the next turn of. */
function useOf(before: StatelessContext | null): InferRequest['use'] {
  return {
    turns: (before?.turns ?? 0) + 1,
    itemsRead: before?.runs.reduce((sum, run) => sum + run.items.length, 0) ?? 0,
    memoryReads: 0,
    toolsRun: 0,
    filesTouched: 0,
  };
}

/** Places the call. @throws PerdureError if it is refused or its input does not fit */
export async function beginStateless(engine: EngineContext, input: StatelessRequest): Promise<StatelessCall> {
  const { caller, request } = input;
  const store = engine.homes.all[0];
  if (store === undefined) throw perdureError('store_unavailable');
  const before = input.before ?? (await storedContext(engine, caller, request));
  const items = await readInput(engine, caller, request.input);
  const matched = matchInput(items, before?.openCalls ?? []);
  requireKinds(items, matched, before?.runs ?? []);
  // A warm-up may bring some outputs now and leave others to the call that continues it; a compaction keeps calls open.
  const asksNothing = input.warmUp === true || (request.compaction_trigger === true && items.length === 0);
  if (!asksNothing) requireOutputs(before?.openCalls ?? [], matched);
  const session = engine.ids.next('sess', homeTag(store.home)) as SessionId;
  const body = idBody(session, 'sess') ?? '';
  const origin: SessionOrigin = before?.origin ?? {
    product: caller.product,
    channel: caller.channel,
    segment: caller.segment,
    stateHeld: false,
    readings: engine.placing.readings(),
  };
  const { settings, tools, instructions } = sayings(request);
  const call = { ...callSettings(settings, tools, instructions), ...input.extra };
  const now = engine.clock.now();
  const base: ResponseBase = {
    id: `resp_${body}` as ResponseBase['id'],
    model: request.model,
    createdAt: seconds(now),
    previous: before?.id ?? null,
    conversation: null,
    settings,
    tools,
    instructions,
    store: false,
    background: false,
  };
  const subject = {
    tenant: caller.tenant,
    session,
    origin,
    startedAt: before?.startedAt ?? now,
    use: useOf(before),
    key: caller.principal,
    model: request.model,
  };
  const attached = await attach(engine, items, {
    ...subject,
    labels: before?.labels ?? [],
    requestLabels: input.labels,
    param: 'input',
    signal: input.signal,
  });
  const labels = union(input.labels, attached.labels);
  // What it continues is read: its labels count for this call as for one of its session (L8).
  const all = union(before?.labels ?? [], labels);
  // Files in full: what holds the context of this call holds no store's.
  const history = await resolveRuns(engine, caller.tenant, before?.runs ?? []);
  const placedItems = await resolveNow(engine, caller.tenant, placeItems(items, body, 0), attached);
  const after = (kept: { history: readonly ContextRun[]; input: readonly LoggedItem[] }): StatelessCall['after'] => {
    const turn = { ...kept, id: base.id, labels, startedAt: now, ...matched };
    return output => extended(before, { ...turn, output });
  };
  if (input.warmUp === true)
    return warmUpCall(engine, { body, base, after: after({ history, input: expand(placedItems) }) });
  const sent = await statelessContext(engine, input, {
    history,
    items: placedItems,
    settings: call,
    labels: all,
    body,
  });
  const made = { body, base, placement: placementOf(body, sent), after: after(sent) };
  if (!sent.answers) return { ...made, target: null, ...NOT_CALLED, ...shown(sent, nothingMore()) };
  const facts: InferRequest = {
    ...subject,
    labels: all,
    purpose: 'turn',
    requestLabels: labels,
    ...boundsOf(
      engine,
      { model: request.model, context: sent.context, settings: call },
      sizeOf(sent, before) + (instructions?.length ?? 0),
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
    context: sent.context,
    call,
    signal: input.signal,
    whole: asksWhole(request),
  });
  const steps = run.steps();
  return {
    ...made,
    target: { id: placed.target.id, cloud: placed.target.cloud, region: placed.target.region },
    stopAtBoundary: () => void (run.boundary.asked = true),
    drop: () => engine.spend.drop(session, 1),
    ...(sent.compaction === null ? { steps, answer: () => run.answer() } : shown(sent, steps)),
  };
}

/** Of a call that asks no model. */
const NOT_CALLED: Pick<StatelessCall, 'stopAtBoundary' | 'drop'> = {
  stopAtBoundary: () => undefined,
  drop: () => undefined,
};

/** Both forms of an answer that begins with a compaction. */
function shown(
  { compaction }: SentContext,
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

/** Characters of text of what is sent. The history is not walked again where it was counted before. */
function sizeOf({ compaction, history, input }: SentContext, before: StatelessContext | null): number {
  const first = compaction === null ? (before?.chars ?? 0) : textSize(history.flatMap(run => run.items));
  return first + textSize(input);
}
