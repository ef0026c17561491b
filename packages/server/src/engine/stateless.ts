/**
 * Stateless calls: nothing of their content is written anywhere. What is written is that they happened: a log of their own with the
 * placement, the reservation and the meter (L5).
 *
 * The placement is committed while the upstream is already at work, and no byte of the answer is released before that commit.
 */
import { type CreateResponse, perdureError, type PerdureError, toPerdureError } from '@perdure/protocol';
import { homeTag, idBody, placementId, type SessionId } from '../kernel/ids.ts';
import type { EventBody, Json, LoggedItem, SessionOrigin, UpstreamIds, Usage } from '../log/events.ts';
import type { Step, StepEnd } from '../log/steps.ts';
import { actorOf, type Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { matchCalls, placeItems, requireOutputs, resolveReferences } from './input.ts';
import { findItem } from './items.ts';
import { killPoint } from './kill-point.ts';
import type { LiveSession } from './live-session.ts';
import type { InferRequest, PlacedCall } from './placing.ts';
import { type CallSettings, type ContextRun, isProviderError } from './ports.ts';
import { recordRefusal } from './refusal.ts';
import { callSettings, functionTools, storedSettings } from './settings.ts';
import { type ResponseBase, seconds, upstreamFailure } from './turn.ts';
import { upstreamSteps } from './upstream-call.ts';

const NO_IDS: UpstreamIds = { response: null, request: null };

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
  /** The client wants the answer in one piece: then the upstream is asked for it so. */
  readonly whole?: boolean;
}

export interface StatelessCall {
  /** The id body of the call: ids of its response and items are made of it. */
  readonly body: string;
  readonly placement: string;
  readonly target: { readonly id: string; readonly cloud: string; readonly region: string };
  readonly base: ResponseBase;
  /** Pull to run the call. The last step of the last batch is the `end`. @throws PerdureError */
  readonly steps: AsyncIterable<readonly Step[]>;
}

/** Places the call and sends it on its way. @throws PerdureError if it is refused or its input does not fit */
export async function beginStateless(engine: EngineContext, input: StatelessRequest): Promise<StatelessCall> {
  const { caller, request, labels } = input;
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
  const settings = storedSettings(request);
  const tools = functionTools(request) as unknown as Json;
  const instructions = request.instructions ?? null;
  const context: readonly LoggedItem[] = placeItems(items, body, 0);
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
    inputBytes: textSize(context) + (instructions?.length ?? 0),
    outputBound: request.max_output_tokens ?? null,
    avoid: [],
  };
  const placed = engine.placing.infer(facts);
  if (!placed.ok && placed.error.code === 'model_not_found') throw placed.error;
  if (!placed.ok) throw await recordRefusal(engine, caller, store, { ...placed, subject: null, origin });
  killPoint('stateless.before-placement');
  const live = engine.sessions.begin(caller.tenant, session, store);
  const admitted: EventBody = {
    type: 'call.admitted',
    head: { home: store.home, origin, subject: null },
    payload: null,
  };
  const commit = engine.sessions.commit(live, [admitted, placedEvent(1, placed)], { actor: actorOf(caller) });
  // Waited for before the first byte is released; until then its failure must not count as unhandled.
  commit.catch(() => undefined);
  const call = { ...callSettings(settings, tools, instructions), ...input.extra };
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
    steps: run(engine, {
      live,
      facts,
      placed,
      commit,
      context: [{ items: context }],
      call,
      signal: input.signal,
      whole: input.whole ?? false,
    }),
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

function placedEvent(call: number, placed: PlacedCall): EventBody {
  const { target, record, reserved } = placed;
  return {
    type: 'call.placed',
    head: { call, purpose: 'turn', chosen: target.id, placement: record, reserved },
    payload: null,
  };
}

interface Run {
  readonly live: LiveSession;
  readonly facts: InferRequest;
  readonly placed: PlacedCall;
  readonly commit: Promise<unknown>;
  readonly context: readonly ContextRun[];
  readonly call: CallSettings;
  readonly signal: AbortSignal;
  readonly whole: boolean;
}

async function* run(engine: EngineContext, input: Run): AsyncGenerator<readonly Step[]> {
  const { signal } = input;
  const stop = new AbortController();
  const onLeft = (): void => stop.abort('left');
  const timer = setTimeout(() => stop.abort('deadline'), engine.limits.turnMs);
  if (signal.aborted) onLeft();
  else signal.addEventListener('abort', onLeft, { once: true });
  try {
    yield* attempts(engine, input, stop.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onLeft);
  }
}

/** The call, and other targets in its place as long as nothing was released. */
async function* attempts(engine: EngineContext, input: Run, stop: AbortSignal): AsyncGenerator<readonly Step[]> {
  const { live, facts, context, call, whole } = input;
  let { placed, commit } = input;
  const avoid: string[] = [];
  for (let attempt = 1; ; attempt++) {
    let begun = false;
    let end: StepEnd | null = null;
    let failed: EventBody | null = null;
    let again = false;
    try {
      const request = { target: placed.target, context, settings: call, signal: stop, whole };
      for await (const batch of upstreamSteps(request, engine)) {
        if (!begun) {
          await commit;
          killPoint('stateless.after-placement');
          begun = true;
        }
        const last = batch.at(-1);
        if (last?.type === 'end') end = last;
        yield batch;
      }
      return;
    } catch (error) {
      const problem = problemOf(error, stop);
      // What the upstream refused cost nothing; what broke is charged at its bound, since nobody knows.
      const refused = isProviderError(error) && error.status !== null && error.status >= 400 && !begun;
      failed = failedEvent(
        attempt,
        isProviderError(error) ? error.providerError : problem.code,
        refused ? null : placed,
      );
      if (!isProviderError(error) || !error.retryable || begun || attempt >= engine.limits.turnAttempts) throw problem;
      avoid.push(placed.target.id);
      const next = engine.placing.infer({ ...facts, avoid });
      if (!next.ok) throw problem;
      await commit;
      commit = engine.sessions.commit(live, [failed, placedEvent(attempt + 1, next)], { actor: 'engine' });
      commit.catch(() => undefined);
      placed = next;
      again = true;
    } finally {
      // On every way out: the end was read, the call failed, or the reader left in the middle.
      const last = end === null ? (failed ?? failedEvent(attempt, 'aborted', placed)) : completed(attempt, end, placed);
      if (!again) meter(engine, live, last);
    }
  }
}

function problemOf(error: unknown, stop: AbortSignal): PerdureError {
  if (stop.aborted && stop.reason === 'deadline') {
    return perdureError('deadline_exceeded', 'The call took longer than this server allows.');
  }
  return isProviderError(error) ? upstreamFailure(error.providerError, error.message, error) : toPerdureError(error);
}

function completed(call: number, end: StepEnd | null, placed: PlacedCall): EventBody {
  const { reserved } = placed;
  const usage = end?.usage ?? { input: reserved.input, cached: 0, output: reserved.output, reasoning: 0 };
  const head = {
    call,
    outcome: end?.outcome ?? 'completed',
    reason: end?.reason ?? null,
    usage,
    upstream: end?.upstream ?? NO_IDS,
    count: 0,
    calls: [],
  };
  return { type: 'call.completed', head, payload: null };
}

/** @param placed null if the upstream refused the call, so that it cost nothing */
export function failedEvent(
  call: number,
  code: string,
  placed: { readonly reserved: { readonly input: number; readonly output: number } } | null,
): EventBody {
  const usage: Usage = {
    input: placed?.reserved.input ?? 0,
    cached: 0,
    output: placed?.reserved.output ?? 0,
    reasoning: 0,
  };
  const metered = placed === null ? 'exact' : 'bound';
  return { type: 'call.failed', head: { call, code, usage, metered, count: 0, upstream: NO_IDS }, payload: null };
}

/** Commits the meter without keeping the client waiting. If that fails, recovery closes the reservation at its bound, here or in the next process. */
function meter(engine: EngineContext, live: LiveSession, event: EventBody): void {
  killPoint('stateless.before-meter');
  const commit: Promise<void> = engine.sessions
    .commit(live, [event], { actor: 'engine' })
    .then(() => undefined)
    .catch(error => {
      engine.report('stateless.meter', toPerdureError(error));
      engine.recoverLater(live);
    })
    .finally(() => {
      engine.sessions.forget(live);
      engine.finishing.delete(commit);
    });
  engine.finishing.add(commit);
}
