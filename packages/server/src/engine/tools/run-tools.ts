/**
 * Running the tools of a turn: those that may run now, side by side.
 *
 * U1  A tool runs only after its start is in the log, under an epoch and a lease that hold (L3), and with exactly the arguments that were asked for (L7).
 * U2  Every start of one call is under one key. One that another process left running starts again only if it is idempotent; else people are asked (L6).
 * U3  Whatever a tool does, its end is in the log before the model is told, and what it said is bounded.
 * U4  What waits for people is rows: nothing here is held for it (L4).
 */
import { perdureError, toPerdureError } from '@perdure/protocol';
import type { EventBody, JsonObject } from '../../log/events.ts';
import { afterCrash } from '../../session/next.ts';
import { canRun } from '../../session/reduce-tool.ts';
import type { ToolState } from '../../session/state.ts';
import type { AgentTurn } from '../agent-sessions/agent-turn.ts';
import type { EngineContext } from '../engine-context.ts';
import { killPoint } from '../kill-point.ts';
import { mustState } from '../plan.ts';
import type { RunningTurn } from '../turn.ts';
import { answerOf } from './answer.ts';
import { parseArguments } from './arguments.ts';
import { completedTool, failedTool } from './output.ts';
import type { ToolOutcome, ToolRun, ToolScope, ToolVerdict } from './ports.ts';
import { approvalRequested, argumentsDigest, denied, questionOf, verdictOf } from './request-tools.ts';
import { openToolbox, scopeOf, type Tool } from './toolbox.ts';

/** What is done with a tool that may run. */
type Move =
  | { readonly do: 'start'; readonly tool: Tool; readonly args: JsonObject }
  | { readonly do: 'ask'; readonly policy: string; readonly why?: 'outcome_unknown' }
  | { readonly do: 'fail'; readonly code: string; readonly message: string };

interface Moved {
  readonly state: ToolState;
  readonly move: Move;
}

/** One step of the turn: decides, commits what was decided, runs what was started, and commits what came of it. */
export async function runTools(engine: EngineContext, turn: RunningTurn): Promise<void> {
  const { agent } = turn;
  if (agent === null)
    throw perdureError('internal_error', undefined, { cause: new Error('no agent runs these tools') });
  const scope = scopeOf(mustState(turn.live), agent.config, turn.principal);
  agent.toolbox ??= await openToolbox(engine, scope, turn.abort.signal);
  const moves: Moved[] = [];
  for (const state of mustState(turn.live).turn?.tools ?? []) {
    const orphan = state.status === 'started' && !agent.running.has(state.callId);
    if (!orphan && !canRun(mustState(turn.live).turn ?? { approvals: [] }, state)) continue;
    moves.push({ state, move: await moveFor(engine, turn, agent, state) });
  }
  if (turn.abort.signal.aborted) return;
  if (!engine.lease.fresh) await engine.sessions.wait(engine.lease.ensure());
  engine.lease.check();
  killPoint('tool.before-start');
  await engine.sessions.commit(turn.live, () => decided(engine, turn, moves), { actor: 'engine' });
  killPoint('tool.after-start');
  const started = moves.flatMap(({ state, move }) => (move.do === 'start' ? [{ state, move }] : []));
  await sideBySide(started, engine.tools.limits.atOnce, async ({ state, move }) => {
    agent.running.add(state.callId);
    try {
      await runOne(engine, turn, scope, state, move);
    } finally {
      agent.running.delete(state.callId);
    }
  });
}

async function moveFor(engine: EngineContext, turn: RunningTurn, agent: AgentTurn, state: ToolState): Promise<Move> {
  // Left running by a process that died (L6).
  if (state.status === 'started' && afterCrash(state) === 'outcome_unknown')
    return { do: 'ask', policy: 'outcome_unknown', why: 'outcome_unknown' };
  const call = agent.fold.call(state.callId);
  const tool = call === null ? undefined : agent.toolbox?.get(call.name);
  if (call === null || tool === undefined || tool.source === null)
    return { do: 'fail', code: 'tool_not_found', message: 'There is no such tool.' };
  if (state.definition !== undefined && state.definition !== tool.digest)
    return { do: 'fail', code: 'tool_changed', message: 'The tool has changed since it was called.' };
  if (call.salt === null || argumentsDigest(engine, call.salt, call.arguments) !== state.arguments)
    return { do: 'fail', code: 'arguments_changed', message: 'The arguments are not those that were asked for.' };
  const args = parseArguments(call.arguments);
  if (args === null) return { do: 'fail', code: 'invalid_arguments', message: 'The arguments are not a JSON object.' };
  const verdict = verdictOf(engine, turn, tool, args);
  if (verdict.verdict === 'deny') return { do: 'fail', ...denied(verdict) };
  const allowed = state.granted !== null || state.status === 'started' || state.again === true;
  if (verdict.verdict === 'permit' || allowed) return { do: 'start', tool, args };
  if (agent.config.review !== 'auto_review') return { do: 'ask', policy: verdict.policy };
  const reviewed = await review(engine, turn, tool, args, verdict);
  return reviewed === 'permit' ? { do: 'start', tool, args } : { do: 'fail', ...denied(verdict) };
}

async function review(
  engine: EngineContext,
  turn: RunningTurn,
  tool: Tool,
  args: JsonObject,
  verdict: ToolVerdict,
): Promise<'permit' | 'deny'> {
  const { reviewer } = engine.tools;
  if (reviewer === null) return 'deny';
  try {
    return await reviewer.review(questionOf(engine, turn, tool, args), verdict, turn.abort.signal);
  } catch (error) {
    engine.report('tools.reviewer', toPerdureError(error));
    return 'deny';
  }
}

function decided(engine: EngineContext, turn: RunningTurn, moves: readonly Moved[]): readonly EventBody[] {
  const { seq } = mustState(turn.live);
  const bodies: EventBody[] = [];
  for (const { state, move } of moves) {
    const { callId, arguments: digest, definition } = state;
    switch (move.do) {
      case 'start':
        bodies.push({ type: 'tool.started', head: { callId, approval: state.granted }, payload: null });
        break;
      case 'fail':
        bodies.push(failedTool(state, move, engine.tools.limits.outputChars));
        break;
      case 'ask': {
        if (move.why === 'outcome_unknown')
          bodies.push({ type: 'tool.outcome_unknown', head: { callId }, payload: null });
        const { policy, why } = move;
        const asking = { callId, digest, definition, policy, ...(why !== undefined && { why }) };
        bodies.push(approvalRequested(engine, turn, asking, seq + bodies.length + 1));
      }
    }
  }
  return bodies;
}

async function runOne(
  engine: EngineContext,
  turn: RunningTurn,
  scope: ToolScope,
  state: ToolState,
  { tool, args }: Extract<Move, { do: 'start' }>,
): Promise<void> {
  const { live, abort } = turn;
  const { outputChars, toolMs } = engine.tools.limits;
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort('timeout'), toolMs);
  const signal = AbortSignal.any([abort.signal, ended.signal]);
  let outcome: ToolOutcome;
  try {
    const answer = state.granted === null ? null : await answerOf(engine, live, state.granted);
    const run: ToolRun = {
      callId: state.callId,
      key: runKey(engine, turn, state.callId),
      arguments: args,
      signal,
      show: () => undefined,
      answer,
    };
    outcome = await unless(signal, runIn(tool, scope, run));
  } catch (error) {
    if (abort.signal.aborted) return;
    outcome = ended.signal.aborted ? tooLate(toolMs) : failure(engine, error);
  } finally {
    clearTimeout(timer);
  }
  if (abort.signal.aborted && mustState(live).turn?.response !== turn.base.id) return;
  killPoint('tool.before-complete');
  await engine.sessions.commit(live, () => ending(engine, turn, state, outcome, outputChars), { actor: 'engine' });
  killPoint('tool.after-complete');
  // What it waits for may have come while that was written.
  if (outcome.ok === 'waits') await engine.subagents.look(live);
}

function runIn(tool: Tool, scope: ToolScope, run: ToolRun): Promise<ToolOutcome> {
  if (tool.source === null) throw new Error('the client runs this tool');
  return tool.source.run(scope, tool.definition, run);
}

/** The same for every run of this call, and for no other (L6). */
function runKey(engine: EngineContext, turn: RunningTurn, callId: string): string {
  return Buffer.from(engine.sha256(JSON.stringify([turn.live.session, turn.base.id, callId]))).toString('hex');
}

function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // What comes of it after all concerns nobody.
  work.catch(() => undefined);
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Error('aborted'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function tooLate(ms: number): ToolOutcome {
  return { ok: false, code: 'tool_timeout', message: `The tool did not end within ${ms} ms.` };
}

/** What a source failed with. What is not an error of ours says nothing of itself (L9). */
function failure(engine: EngineContext, thrown: unknown): ToolOutcome {
  const error = toPerdureError(thrown);
  if (error.code === 'internal_error') engine.report('tools.run', error);
  const known = error.code !== 'internal_error';
  return { ok: false, code: known ? error.code : 'tool_failed', message: known ? error.message : 'The tool failed.' };
}

function ending(
  engine: EngineContext,
  turn: RunningTurn,
  state: ToolState,
  outcome: ToolOutcome,
  most: number,
): readonly EventBody[] {
  if (outcome.ok === true) return [completedTool(state, outcome, most)];
  if (outcome.ok === false) return [failedTool(state, outcome, most)];
  if (outcome.ok === 'waits') {
    const { on, until } = outcome;
    return [{ type: 'tool.yielded', head: { callId: state.callId, on, until }, payload: null }];
  }
  if (turn.agent?.config.review === 'auto_review')
    return [
      failedTool(
        state,
        { code: 'permission_denied', message: 'The tool asks for an answer, and nobody gives one here.' },
        most,
      ),
    ];
  const { callId, arguments: digest, definition } = state;
  const payload = { about: outcome.about, resume: outcome.resume };
  const asking = { callId, digest, definition, policy: 'tool', why: 'tool_asks' as const, payload };
  return [approvalRequested(engine, turn, asking, mustState(turn.live).seq + 1)];
}

/** All of them, so many at a time. Fails with the first failure once none runs any more. */
async function sideBySide<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      try {
        await work(one);
      } catch (error) {
        failures.push(error);
        waiting.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
