/**
 * The turn loop: asks the reducer's `next` what comes, does it, commits, asks again. Recovery enters the same loop (`recovery.ts`).
 *
 * T1  A call leaves only after its placement is committed (L5), under the current epoch and a lease with time left (L3).
 * T2  A reader is shown a step only after the step is durable (L2); what was shown stays, and is never shown twice.
 * T3  Whatever fails, the turn ends in the log: completed, failed with a reason, or left to recovery if the store itself is gone.
 */
import { perdureError, toPerdureError, type PerdureError } from '@perdure/protocol';
import { assertNever } from '../kernel/assert-never.ts';
import { type EventBody, NO_IDS } from '../log/events.ts';
import type { Step, StepEnd } from '../log/steps.ts';
import { type Effect, next } from '../session/next.ts';
import type { WireEvent } from '../session/output.ts';
import type { SessionState, TurnState } from '../session/state.ts';
import { showLater } from './agent-sessions/agent-turn.ts';
import { agentBound } from './agent-sessions/bounds.ts';
import { keepArtifacts } from './agent-sessions/keep-artifacts.ts';
import { park } from './agent-sessions/park.ts';
import { steer } from './agent-sessions/steer.ts';
import { untilBoundary } from './boundary.ts';
import { endCancelled } from './cancel-turn.ts';
import type { Prepared } from './chain.ts';
import { type Summary, summaryUsage } from './compaction/summary.ts';
import { askForSummary, layDue, takeCompaction } from './compaction/turn-compaction.ts';
import { builderOf, estimatedUsage, failedCall, goneTarget, lostCall, settled, shownWhole } from './cut-call.ts';
import type { EngineContext } from './engine-context.ts';
import { fail } from './fail-turn.ts';
import { sentContext } from './files/sent-context.ts';
import { killPoint } from './kill-point.ts';
import { mustState } from './plan.ts';
import type { ReachableTarget } from './placing.ts';
import { isProviderError, type ProviderError } from './ports.ts';
import { commitNext } from './place-next.ts';
import { noteFailure } from './try-again.ts';
import { KeptSteps, streamReleased } from './release.ts';
import { stateAfter } from './state-after.ts';
import { readyTools } from './tools/offer.ts';
import { toolRequests, whyNotRequested } from './tools/request-tools.ts';
import { runTools } from './tools/run-tools.ts';
import { type RunningTurn, upstreamFailure } from './turn.ts';
import { upstreamSteps } from './upstream-call.ts';
import { otherTier } from './settings.ts';

/** Carries the turn to its end. Never rejects: the outcome is in the log, in `turn.done` and in the broadcast. */
export async function runTurn(engine: EngineContext, turn: RunningTurn): Promise<void> {
  turn.until = performance.now() + engine.limits.turnMs;
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
    park(engine, turn);
  }
}

const TOO_LONG = 'The turn took longer than this server allows.';

/** Whether the turn is still open and not waiting for people: what waits is rows, and no process runs it (L4). */
function isOurs(turn: RunningTurn, state: SessionState | null): state is SessionState {
  return state?.turn?.response === turn.base.id && (state.phase !== 'waiting' || isCancelled(turn));
}

async function step(engine: EngineContext, turn: RunningTurn, state: SessionState): Promise<void> {
  if (isCancelled(turn)) return endCancelled(engine, turn, { asked: turn.asked, released: [] });
  if (turn.abort.signal.aborted && turn.abort.signal.reason === 'deadline' && state.turn?.call === null)
    return fail(engine, turn, perdureError('deadline_exceeded', TOO_LONG), []);
  const effect = next(state);
  switch (effect.type) {
    case 'await_call':
      return makeCall(engine, turn, must(state.turn));
    case 'call': {
      const over = await agentBound(engine, turn, state);
      if (isCancelled(turn)) return endCancelled(engine, turn, { asked: turn.asked, released: [] });
      return over === null ? commitNext(engine, turn, state, []) : fail(engine, turn, over, []);
    }
    case 'finish':
      return settle(engine, turn, [], []);
    case 'run_tools':
    case 'await_tools':
      return runTools(engine, turn);
    case 'steer':
      return steer(engine, turn);
    case 'none':
      throw perdureError('internal_error', undefined, { cause: new Error(`turn ${turn.base.id} waits for nothing`) });
    default:
      return assertNever(effect, 'effect');
  }
}

function isCancelled(turn: RunningTurn): boolean {
  return turn.cancelledBy !== null && turn.abort.signal.reason === 'cancelled';
}

function must(turn: TurnState | null): TurnState & { readonly call: NonNullable<TurnState['call']> } {
  if (turn?.call == null) throw new Error('no call is in flight');
  return { ...turn, call: turn.call };
}

/** Makes the placed call and settles it. */
async function makeCall(engine: EngineContext, turn: RunningTurn, placed: ReturnType<typeof must>): Promise<void> {
  const target = turn.target ?? engine.placing.target(placed.call.target);
  turn.target = null;
  turn.asked = false;
  if (target === null) return settleFailure(engine, turn, placed, goneTarget(), [], placed.call.target);
  // Before the lease is looked at: listing tools and reading files may take a while.
  if (!placed.call.compacts) await readyTools(engine, turn);
  const context = placed.call.compacts ? [] : await sentContext(engine, turn);
  if (!engine.lease.fresh) await engine.sessions.wait(engine.lease.ensure());
  engine.lease.check();
  killPoint('call.before-upstream');
  if (placed.call.compacts) return compactByModel(engine, turn, placed, target);
  const upstream = upstreamSteps(
    {
      target,
      context,
      settings: turn.call,
      signal: turn.abort.signal,
      again: turn.failedAt.has(target.id),
      onAsked: () => void (turn.asked = true),
    },
    { placing: engine.placing, clock: engine.clock, limits: engine.limits },
  );
  const steps = untilBoundary(upstream, turn.boundary);
  const builder = builderOf(turn, placed.call.index);
  const kept = new KeptSteps();
  let end: StepEnd | null = null;
  let unshown: readonly WireEvent[] = [];
  try {
    const result = await streamReleased(engine, turn, placed.call.index, { steps, builder, released: kept });
    end = result.end;
    unshown = result.unshown;
  } catch (error) {
    const released = kept.all();
    if (!isProviderError(error)) return breakOff(engine, turn, placed, { error, released });
    if (isCancelled(turn)) return endCancelled(engine, turn, { asked: turn.asked, released });
    if (turn.abort.signal.aborted && turn.abort.signal.reason === 'deadline') {
      const { bodies, unshown } = settled(turn, placed, error, released);
      const late = perdureError('deadline_exceeded', TOO_LONG);
      return fail(engine, turn, late, bodies, unshown);
    }
    turn.asked = false;
    return settleFailure(engine, turn, placed, error, released, target.id);
  }
  killPoint('call.before-settle');
  turn.asked = false;
  turn.failed = null;
  turn.failedAt.clear();
  const payload = builder.payload(placed.streamed);
  const whole = placed.streamed ? unshown : shownWhole(turn, placed.call.index, payload);
  turn.output.push(...builder.items);
  if (placed.streamed) turn.seq = builder.seq;
  const usage = end.usage ?? estimatedUsage(placed.call.reserved.input, builder);
  const metered = end.usage === null ? 'estimate' : end.metered;
  turn.addUsage(usage);
  turn.serviceTier = otherTier(turn.base.settings, end.serviceTier);
  const head = {
    call: placed.call.index,
    outcome: end.outcome,
    reason: end.reason,
    usage,
    upstream: end.upstream,
    count: builder.items.length,
    calls: builder.calls,
    ...(turn.serviceTier !== null && { serviceTier: turn.serviceTier }),
    ...(metered !== undefined && { metered }),
  };
  await settle(engine, turn, [{ type: 'call.completed', head, payload }], whole);
}

/** Makes the call that compacts the context and commits what came of it. A failed one leaves the compaction due: `commitNext` sees to it. */
async function compactByModel(
  engine: EngineContext,
  turn: RunningTurn,
  placed: ReturnType<typeof must>,
  target: ReachableTarget,
): Promise<void> {
  let summary: Summary;
  try {
    summary = await askForSummary(engine, turn, target);
  } catch (error) {
    if (isCancelled(turn)) return endCancelled(engine, turn, { asked: turn.asked, released: [] });
    if (!isProviderError(error) || turn.abort.signal.aborted)
      return breakOff(engine, turn, placed, { error, released: [] });
    const { bodies } = settled(turn, placed, error, []);
    turn.asked = false;
    noteFailure(turn, target.id, error, upstreamFailure(error.providerError, error.message, error));
    await engine.sessions.commit(turn.live, bodies, { actor: 'engine' });
    return;
  }
  const { index, reserved } = placed.call;
  const usage = summaryUsage(summary, reserved);
  turn.addUsage(usage);
  const upstream = summary.end?.upstream ?? NO_IDS;
  const metered = summary.end?.usage == null ? ('estimate' as const) : summary.end.metered;
  const asked = { call: index, outcome: 'completed' as const, reason: null, usage, upstream, count: 0, calls: [] };
  const head = { ...asked, ...(metered !== undefined && { metered }) };
  const laid = await layDue(engine, turn, summary.text);
  const bodies: EventBody[] = [{ type: 'call.completed', head, payload: null }, laid.event];
  const prepared = await engine.sessions.commit(turn.live, bodies, { actor: 'engine' });
  turn.broadcast.publish(takeCompaction(engine, turn, laid, prepared));
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

/** Commits what a call brought, and the end of the turn with it if the reducer says so; then shows both. */
async function settle(
  engine: EngineContext,
  turn: RunningTurn,
  bodies: readonly EventBody[],
  unshown: Parameters<RunningTurn['broadcast']['publish']>[0],
): Promise<void> {
  const over = whyNotRequested(engine, turn, bodies);
  if (over !== null) return fail(engine, turn, over, bodies, unshown);
  const files = await keepArtifacts(engine, turn, bodies);
  const said: { effect: Effect } = { effect: { type: 'none' } };
  // Made when its time has come: input may be queued up to then, and the turn does not end before it was taken.
  const all = (): readonly EventBody[] => {
    const asked = [...bodies, ...toolRequests(engine, turn, bodies, (turn.live.state?.seq ?? 0) + bodies.length + 1)];
    const effect = next(stateAfter(turn, asked));
    said.effect = effect;
    if (effect.type !== 'finish') {
      // The turn was to end, and input came before that could be said.
      if (asked.length === 0) throw NOTHING;
      return asked;
    }
    const { status, reason } = effect;
    const head = { response: turn.base.id, status, reason, ...(files > 0 && { files }) };
    return [...asked, { type: 'turn.completed', head, payload: null }];
  };
  if (turn.agent !== null) turn.agent.later = [];
  const prepared = await engine.sessions.commit(turn.live, all, { actor: 'engine', prune: true }).catch(onNothing);
  if (prepared === null) return;
  killPoint('call.after-settle');
  keepContext(engine, turn, prepared, bodies);
  turn.broadcast.publish(unshown);
  showLater(turn);
  const { effect } = said;
  if (effect.type !== 'finish') return;
  const at = prepared.envelopes.at(-1)?.at ?? engine.clock.now();
  const resource = turn.resource(effect.status, { at, reason: effect.reason });
  killPoint('turn.before-completed-shown');
  const type = effect.status === 'completed' ? 'response.completed' : 'response.incomplete';
  turn.broadcast.publish(() => [turn.event(type, resource)]);
  turn.broadcast.end();
  turn.finish.resolve(resource);
}

const NOTHING = new Error('there is nothing to say');
function onNothing(error: unknown): null {
  if (error === NOTHING) return null;
  throw error;
}

function keepContext(engine: EngineContext, turn: RunningTurn, prepared: Prepared, bodies: readonly EventBody[]): void {
  for (const body of bodies) {
    if (body.type !== 'call.completed' || body.payload === null) continue;
    engine.sessions.grew(turn.live.context.add(body.payload.items, prepared.state.position));
  }
}

async function settleFailure(
  engine: EngineContext,
  turn: RunningTurn,
  placed: ReturnType<typeof must>,
  error: ProviderError,
  released: readonly Step[],
  target: string,
): Promise<void> {
  const { bodies, unshown, shownCall } = settled(turn, placed, error, released);
  const problem = upstreamFailure(error.providerError, error.message, error);
  if (shownCall)
    return fail(
      engine,
      turn,
      perdureError('upstream_interrupted', 'The call was cut after a tool call had been shown.'),
      bodies,
      unshown,
    );
  // A cut stream is tried again by the rule of cut calls; what the upstream refused would be refused again.
  const again =
    error.retryable || error.providerError === 'upstream_interrupted' || error.providerError === 'upstream_timeout';
  if (!again || placed.failures + 1 >= engine.limits.turnAttempts) return fail(engine, turn, problem, bodies, unshown);
  noteFailure(turn, target, error, problem);
  return commitNext(engine, turn, mustState(turn.live), bodies, unshown);
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
