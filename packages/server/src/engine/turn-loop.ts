/**
 * The turn loop: asks the reducer's `next` what comes, does it, commits, asks again. Recovery enters the same loop (`recovery.ts`).
 *
 * T1  A call leaves only after its placement is committed (L5), under the current epoch and a lease with time left (L3).
 * T2  A reader is shown a step only after the step is durable (L2); what was shown stays, and is never shown twice.
 * T3  Whatever fails, the turn ends in the log: completed, failed with a reason, or left to recovery if the store itself is gone.
 */
import { perdureError, toPerdureError, type PerdureError } from '@perdure/protocol';
import { assertNever } from '../kernel/assert-never.ts';
import { type EventBody, textOf, type UpstreamIds, type Usage } from '../log/events.ts';
import type { Step, StepEnd } from '../log/steps.ts';
import { next } from '../session/next.ts';
import { OutputBuilder, type WireEvent } from '../session/output.ts';
import { reduceAll } from '../session/reduce.ts';
import type { SessionState, TurnState } from '../session/state.ts';
import type { Prepared } from './chain.ts';
import type { EngineContext } from './engine-context.ts';
import { resolveContext } from './files/resolve.ts';
import { killPoint } from './kill-point.ts';
import { isProviderError, type ProviderError } from './ports.ts';
import { streamReleased } from './release.ts';
import { type RunningTurn, upstreamFailure } from './turn.ts';
import { upstreamSteps } from './upstream-call.ts';
import { spendCall } from './spend-call.ts';

const NO_USAGE: Usage = { input: 0, cached: 0, output: 0, reasoning: 0 };
const NO_IDS: UpstreamIds = { response: null, request: null };

/** Carries the turn to its end. Never rejects: the outcome is in the log, in `turn.done` and in the broadcast. */
export async function runTurn(engine: EngineContext, turn: RunningTurn): Promise<void> {
  const timer = setTimeout(() => turn.abort.abort('deadline'), engine.limits.turnMs);
  const letGo = engine.lease.hold();
  try {
    for (let state = turn.live.state; isOurs(turn, state); state = turn.live.state) await step(engine, turn, state);
  } catch (error) {
    await abandon(engine, turn, toPerdureError(error));
  } finally {
    clearTimeout(timer);
    letGo();
    engine.running.delete(turn.base.id);
  }
}

/** Whether the turn is still open and not waiting for people: what waits is rows, and no process runs it (L4). */
function isOurs(turn: RunningTurn, state: SessionState | null): state is SessionState {
  return state?.turn?.response === turn.base.id && state.phase !== 'waiting';
}

async function step(engine: EngineContext, turn: RunningTurn, state: SessionState): Promise<void> {
  const effect = next(state);
  switch (effect.type) {
    case 'await_call':
      return makeCall(engine, turn, must(state.turn));
    case 'call':
      return commitNext(engine, turn, state, []);
    case 'finish':
      return settle(engine, turn, [], { end: null });
    case 'run_tools':
    case 'await_tools':
      // No tool is registered with this server, so none can have been requested.
      return fail(engine, turn, perdureError('internal_error'), []);
    case 'none':
      throw perdureError('internal_error', undefined, { cause: new Error(`turn ${turn.base.id} waits for nothing`) });
    default:
      return assertNever(effect, 'effect');
  }
}

function must(turn: TurnState | null): TurnState & { readonly call: NonNullable<TurnState['call']> } {
  if (turn?.call == null) throw new Error('no call is in flight');
  return { ...turn, call: turn.call };
}

/** Makes the placed call and settles it. */
async function makeCall(engine: EngineContext, turn: RunningTurn, placed: ReturnType<typeof must>): Promise<void> {
  const target = turn.target ?? engine.placing.target(placed.call.target);
  turn.target = null;
  if (target === null)
    return settleFailure(engine, turn, placed, failedCall('The target of this call is no longer configured.'), []);
  // Before the lease is looked at: reading files may take a while.
  const context = await resolveContext(engine, turn.live);
  if (!engine.lease.fresh) await engine.sessions.wait(engine.lease.ensure());
  engine.lease.check();
  killPoint('call.before-upstream');
  const steps = upstreamSteps(
    { target, context, settings: turn.call, signal: turn.abort.signal },
    { placing: engine.placing, clock: engine.clock, limits: engine.limits },
  );
  const builder = builderOf(turn, placed.call.index);
  const released: Step[] = [];
  let end: StepEnd | null = null;
  let unshown: readonly WireEvent[] = [];
  try {
    const result = await streamReleased(engine, turn, placed.call.index, { steps, builder, released });
    end = result.end;
    unshown = result.unshown;
  } catch (error) {
    if (!isProviderError(error)) return breakOff(engine, turn, placed, { error, released });
    if (turn.abort.signal.aborted && turn.abort.signal.reason === 'deadline') {
      const { bodies, unshown } = settled(turn, placed, error, released);
      const late = perdureError('deadline_exceeded', 'The turn took longer than this server allows.');
      return fail(engine, turn, late, bodies, unshown);
    }
    if (!turn.avoid.includes(target.id)) turn.avoid.push(target.id);
    return settleFailure(engine, turn, placed, error, released);
  }
  killPoint('call.before-settle');
  turn.output.push(...builder.items);
  turn.seq = builder.seq;
  const usage = end.usage ?? estimatedUsage(placed.call.reserved.input, builder);
  turn.addUsage(usage);
  const calls = builder.items.filter(item => item.type === 'function_call').map(item => textOf(item['call_id']));
  const streamed = placed.streamed;
  const head = {
    call: placed.call.index,
    outcome: end.outcome,
    reason: end.reason,
    usage,
    upstream: end.upstream,
    count: builder.items.length,
    calls,
  };
  await settle(engine, turn, [{ type: 'call.completed', head, payload: builder.payload(streamed) }], { end, unshown });
}

/**
 * A provider that broke its own rules, or a defect of ours, in the middle of a call. What was shown is known here, so the turn ends now; only
 * if the store failed does the log still say that it runs.
 */
function breakOff(
  engine: EngineContext,
  turn: RunningTurn,
  placed: ReturnType<typeof must>,
  { error, released }: { readonly error: unknown; readonly released: readonly Step[] },
): Promise<void> {
  const problem = toPerdureError(error);
  if (problem.code === 'store_unavailable' || problem.code === 'store_full') throw problem;
  engine.report('turn.broken', problem);
  const { bodies, unshown } = settled(turn, placed, failedCall('The call broke off.'), released);
  return fail(engine, turn, problem, bodies, unshown);
}

export function builderOf(turn: RunningTurn, call: number): OutputBuilder {
  const place = { body: turn.body, call, seq: turn.seq, index: turn.output.length };
  return new OutputBuilder(turn.cut ? { ...place, phase: 'final_answer' } : place);
}

/** Four characters a token: for an upstream that does not say. */
function estimatedUsage(input: number, builder: OutputBuilder): Usage {
  const chars = builder.items.reduce((sum, item) => sum + JSON.stringify(item).length, 0);
  return { input, cached: 0, output: Math.ceil(chars / 4), reasoning: 0 };
}

function failedCall(message: string): ProviderError {
  return Object.assign(new Error(message), {
    providerError: 'upstream_error' as const,
    retryable: true,
    retryAfterMs: null,
    status: null,
    param: null,
    requestId: null,
  });
}

/** Commits what a call brought, and the end of the turn with it if the reducer says so; then shows both. */
async function settle(
  engine: EngineContext,
  turn: RunningTurn,
  bodies: readonly EventBody[],
  shown: { readonly end: StepEnd | null; readonly unshown?: readonly WireEvent[] },
): Promise<void> {
  const effect = next(stateAfter(turn, bodies));
  const all: EventBody[] = [...bodies];
  if (effect.type === 'finish') {
    const { status, reason } = effect;
    all.push({ type: 'turn.completed', head: { response: turn.base.id, status, reason }, payload: null });
  }
  const prepared = await engine.sessions.commit(turn.live, all, { actor: 'engine', prune: true });
  killPoint('call.after-settle');
  keepContext(engine, turn, prepared, bodies);
  turn.broadcast.publish(shown.unshown ?? []);
  if (effect.type !== 'finish') return;
  const at = prepared.envelopes.at(-1)?.at ?? engine.clock.now();
  const resource = turn.resource(effect.status, { at, reason: effect.reason });
  killPoint('turn.before-completed-shown');
  turn.broadcast.publish([
    turn.event(effect.status === 'completed' ? 'response.completed' : 'response.incomplete', resource),
  ]);
  turn.broadcast.end();
  turn.finish.resolve(resource);
}

function stateAfter(turn: RunningTurn, bodies: readonly EventBody[]): SessionState {
  const state = turn.live.state;
  if (state === null) throw new Error('the session has no state');
  let seq = state.seq;
  const { tenant, session, epoch, updatedAt: at } = state;
  const envelopes = bodies.map(
    ({ type, head }) =>
      ({ tenant, session, epoch, at, actor: 'engine', seq: ++seq, type, head }) as Prepared['envelopes'][number],
  );
  const reduced = reduceAll(state, envelopes);
  if (!reduced.ok) throw new Error(reduced.message);
  return reduced.state;
}

function keepContext(engine: EngineContext, turn: RunningTurn, prepared: Prepared, bodies: readonly EventBody[]): void {
  for (const body of bodies) {
    if (body.type !== 'call.completed' || body.payload === null) continue;
    engine.sessions.grew(turn.live.context.add(body.payload.items, prepared.state.position));
  }
}

/** What a cut or failed call leaves: the events that close it, and what its readers are still to be shown. */
export function settled(
  turn: RunningTurn,
  placed: Pick<TurnState, 'streamed'> & { readonly call: NonNullable<TurnState['call']> },
  error: ProviderError,
  released: readonly Step[],
): {
  readonly bodies: EventBody[];
  readonly shown: readonly WireEvent[];
  readonly unshown: WireEvent[];
  readonly shownCall: boolean;
} {
  const { call } = placed;
  const { usage, metered } = spent(error, call.reserved);
  const upstream: UpstreamIds = { ...NO_IDS, request: error.requestId };
  const head = { call: call.index, code: error.providerError, usage, metered, upstream };
  // Nothing released: the cut leaves no trace in the output (DESIGN.md part 5).
  if (released.length === 0)
    return {
      bodies: [{ type: 'call.failed', head: { ...head, count: 0 }, payload: null }],
      shown: [],
      unshown: [],
      shownCall: false,
    };
  const builder = builderOf(turn, call.index);
  const shown: WireEvent[] = [];
  for (const one of released) builder.push(one, shown);
  const unshown: WireEvent[] = [];
  builder.cut(unshown);
  turn.output.push(...builder.items);
  turn.seq = builder.seq;
  turn.cut = true;
  const payload = builder.payload(placed.streamed);
  return {
    bodies: [{ type: 'call.failed', head: { ...head, count: builder.items.length }, payload }],
    shown,
    unshown,
    shownCall: builder.hasFunctionCall,
  };
}

/** What a failed call is charged at: nothing if the upstream refused it, else its bound, since nobody knows (L5). */
function spent(
  error: ProviderError,
  reserved: { input: number; output: number },
): { usage: Usage; metered: 'exact' | 'bound' } {
  const refused = error.status !== null && error.status >= 400 && error.providerError !== 'upstream_interrupted';
  if (refused) return { usage: NO_USAGE, metered: 'exact' };
  return { usage: { input: reserved.input, cached: 0, output: reserved.output, reasoning: 0 }, metered: 'bound' };
}

async function settleFailure(
  engine: EngineContext,
  turn: RunningTurn,
  placed: ReturnType<typeof must>,
  error: ProviderError,
  released: readonly Step[],
): Promise<void> {
  const { bodies, unshown, shownCall } = settled(turn, placed, error, released);
  const problem = upstreamFailure(error.providerError, error.message, error);
  if (shownCall)
    return fail(
      engine,
      turn,
      perdureError('upstream_interrupted', 'The call was cut after a function call had been shown.'),
      bodies,
      unshown,
    );
  // A cut stream is tried again by the rule of cut calls; what the upstream refused would be refused again.
  const again =
    error.retryable || error.providerError === 'upstream_interrupted' || error.providerError === 'upstream_timeout';
  if (!again || placed.failures + 1 >= engine.limits.turnAttempts) return fail(engine, turn, problem, bodies, unshown);
  const state = turn.live.state;
  if (state === null) throw problem;
  return commitNext(engine, turn, state, bodies, unshown, problem);
}

/** Places the next call and commits it, after `before`. If no target is left the turn fails, for the reason the last one gave. */
export async function commitNext(
  engine: EngineContext,
  turn: RunningTurn,
  state: SessionState,
  before: readonly EventBody[],
  unshown: readonly WireEvent[] = [],
  cause?: PerdureError,
): Promise<void> {
  const placed = engine.placing.infer(engine.inferRequest(state, turn));
  const call = (state.turn?.calls ?? 0) + 1;
  if (!placed.ok) {
    const reserved = { input: 0, output: 0 };
    const event: EventBody = {
      type: 'call.placed',
      head: { call, purpose: 'turn', chosen: null, placement: placed.record, reserved },
      payload: null,
    };
    return fail(
      engine,
      turn,
      placed.error.code === 'no_target_available' ? (cause ?? placed.error) : placed.error,
      [...before, event],
      unshown,
    );
  }
  const { record, reserved, target } = placed;
  const { session } = state;
  const capped = engine.spend.hold(spendCall(state, turn.principal, call, placed), before);
  if (capped !== null) return fail(engine, turn, capped, before, unshown);
  const event: EventBody = {
    type: 'call.placed',
    head: { call, purpose: 'turn', chosen: target.id, placement: record, reserved },
    payload: null,
  };
  try {
    await engine.sessions.commit(turn.live, [...before, event], { actor: 'engine', prune: before.length > 0 });
  } catch (error) {
    engine.spend.doubt(session, call);
    throw error;
  }
  turn.target = target;
  turn.broadcast.publish(unshown);
}

/** Ends the turn as failed: in the log first, then to its readers. */
export async function fail(
  engine: EngineContext,
  turn: RunningTurn,
  error: PerdureError,
  before: readonly EventBody[],
  unshown: readonly WireEvent[] = [],
): Promise<void> {
  const failed: EventBody = {
    type: 'turn.failed',
    head: { response: turn.base.id, code: error.code },
    payload: { message: error.message, ...(error.param !== null && { param: error.param }) },
  };
  const from = turn.live.state?.turn?.from ?? 0;
  await engine.sessions.commit(turn.live, [...before, failed], { actor: 'engine', prune: true });
  engine.sessions.grew(turn.live.context.dropAfter(from));
  turn.broadcast.publish(unshown);
  showFailure(turn, error);
}

/** Shows the end of a failed turn: OpenAI's `error` event, then `response.failed`. */
function showFailure(turn: RunningTurn, error: PerdureError): void {
  const { code, message, param } = error;
  const seq = turn.seq++;
  const payload = { message, type: error.type, code, param };
  turn.broadcast.publish([
    {
      seq,
      type: 'error',
      json: JSON.stringify({ type: 'error', sequence_number: seq, code, message, param, error: payload }),
    },
  ]);
  turn.broadcast.publish([turn.event('response.failed', turn.resource('failed', { error }))]);
  turn.broadcast.end();
  turn.finish.reject(error);
}

/**
 * The turn cannot be carried on: an unexpected error, or the store is gone. Tries once to end it in the log. If that fails, or if something
 * was shown that only the journal knows, the log still says that it runs, and recovery goes on with it (T3, L2).
 */
async function abandon(engine: EngineContext, turn: RunningTurn, error: PerdureError): Promise<void> {
  engine.report('turn.abandoned', error);
  const open = turn.live.state?.turn ?? null;
  const shown = open?.streamed === true && open.call !== null;
  if (!shown && !turn.live.stale && error.code !== 'store_unavailable' && error.code !== 'store_full') {
    try {
      return await fail(engine, turn, error, open?.call == null ? [] : [lostCall(open.call, error.code)]);
    } catch (again) {
      engine.report('turn.abandoned', toPerdureError(again));
    }
  }
  turn.abort.abort();
  turn.broadcast.end(error);
  turn.finish.reject(error);
  engine.recoverLater(turn.live);
}

function lostCall({ index, reserved }: NonNullable<TurnState['call']>, code: string): EventBody {
  const usage = { ...NO_USAGE, ...reserved };
  const head = { call: index, code, usage, metered: 'bound' as const, count: 0, upstream: NO_IDS };
  return { type: 'call.failed', head, payload: null };
}
