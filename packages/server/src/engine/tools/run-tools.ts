/**
 * Running the tools of a turn: those that may run now, side by side.
 *
 * U1  A tool runs only after its start is in the log, under an epoch and a lease that hold (L3), and with exactly the arguments that were asked for (L7).
 * U2  Every start of one call is under one key. One that another process left running starts again only if it is idempotent; else people are asked (L6).
 * U3  Whatever a tool does, its end is in the log before the model is told, and what it said is bounded.
 * U4  What waits for people is rows: nothing here is held for it (L4).
 */
import { perdureError, toPerdureError } from '@perdure/protocol';
import { type EventBody, textOf } from '../../log/events.ts';
import type { ToolState } from '../../session/state.ts';
import type { AgentTurn } from '../agent-sessions/agent-turn.ts';
import type { EngineContext } from '../engine-context.ts';
import { killPoint } from '../kill-point.ts';
import { mustState } from '../plan.ts';
import { PROGRAMS } from '../programs/program-tool.ts';
import { runProgram } from '../programs/run-program.ts';
import { reviewTool } from '../review/review-tool.ts';
import type { RunningTurn } from '../turn.ts';
import { answerOf } from './answer.ts';
import { decided, type Move, type Moved, movesNow } from './decide-tools.ts';
import { liveOutput, SHOWS_NOTHING } from './live-output.ts';
import { completedTool, failedTool } from './output.ts';
import { offerTools } from './offer.ts';
import { lookForWorker, parkedNow } from './park-tools.ts';
import type { ToolOutcome, ToolRun, ToolScope } from './ports.ts';
import { approvalRequested, type Asking } from './request-tools.ts';
import { runKey } from './run-key.ts';
import { foundIn } from './search-tool.ts';
import { mayHaveRun } from './may-have-run.ts';
import { openToolbox, scopeOf, type Tool } from './toolbox.ts';

/** One step of the turn: decides, commits what was decided, runs what was started, and commits what came of it. */
export async function runTools(engine: EngineContext, turn: RunningTurn): Promise<void> {
  const { agent } = turn;
  if (agent === null)
    throw perdureError('internal_error', undefined, { cause: new Error('no agent runs these tools') });
  const scope = scopeOf(mustState(turn.live), agent.config, turn.principal);
  agent.toolbox ??= await openToolbox(engine, scope, turn.abort.signal);
  const open = mustState(turn.live).turn?.tools ?? [];
  // Calls of a program that runs are started by who drives it.
  const states = open.filter(({ caller }) => !runs(open, caller?.program));
  const started = await start(engine, turn, agent, states);
  await sideBySide(started, engine.tools.limits.atOnce, one => runIt(engine, turn, scope, one));
  offerTools(turn, mustState(turn.live));
}

/** Decides what may run of these now, and commits it. */
async function start(
  engine: EngineContext,
  turn: RunningTurn,
  agent: AgentTurn,
  states: readonly ToolState[],
): Promise<readonly Started[]> {
  const callIds = new Set(states.map(({ callId }) => callId));
  let moves = movesNow(engine, turn, agent, callIds);
  if (await reviewed(engine, turn, moves)) moves = movesNow(engine, turn, agent, callIds);
  // All of them may have been denied.
  if (turn.abort.signal.aborted || moves.length === 0) return [];
  if (!engine.lease.fresh) await engine.sessions.wait(engine.lease.ensure());
  engine.lease.check();
  killPoint('tool.before-start');
  const said = (): readonly EventBody[] => decided(engine, turn, parkedNow(engine, turn, moves));
  await engine.sessions.commit(turn.live, said, { actor: 'engine' });
  killPoint('tool.after-start');
  lookForWorker(engine, turn);
  const begun = new Set(mustState(turn.live).turn?.tools.flatMap(one => (one.status === 'started' ? one.callId : [])));
  return moves.flatMap(({ state, move }) => (move.do === 'start' && begun.has(state.callId) ? [{ state, move }] : []));
}

/** Asks the reviewer about those that it is to decide. @returns whether there were any: what it said is in the log */
async function reviewed(engine: EngineContext, turn: RunningTurn, moves: readonly Moved[]): Promise<boolean> {
  const asked = moves.flatMap(({ state, move }) => (move.do === 'review' ? [{ state, ...move }] : []));
  await sideBySide(asked, engine.tools.limits.atOnce, one => reviewTool(engine, turn, one));
  return asked.length > 0;
}

interface Started {
  readonly state: ToolState;
  readonly move: Extract<Move, { do: 'start' }>;
}

async function runIt(
  engine: EngineContext,
  turn: RunningTurn,
  scope: ToolScope,
  { state, move }: Started,
): Promise<void> {
  const { agent } = turn;
  agent?.running.add(state.callId);
  try {
    const { programs } = engine.tools;
    if (agent === null || programs === null || move.tool.source !== PROGRAMS)
      return await runOne(engine, turn, scope, state, move);
    await runProgram(engine, turn, agent, {
      programs,
      state,
      args: move.args,
      seed: keyOf(engine, turn, state.callId),
      async start(calls) {
        const started = await start(engine, turn, agent, calls);
        return started.map(one => runIt(engine, turn, scope, one));
      },
    });
  } finally {
    agent?.running.delete(state.callId);
  }
}

function runs(open: readonly ToolState[], program: string | undefined): boolean {
  return open.some(({ callId, status }) => callId === program && status === 'started');
}

async function runOne(
  engine: EngineContext,
  turn: RunningTurn,
  scope: ToolScope,
  state: ToolState,
  { tool, args }: Extract<Move, { do: 'start' }>,
): Promise<void> {
  const { live, abort } = turn;
  const { toolMs } = engine.tools.limits;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort('timeout'), toolMs);
  const signal = AbortSignal.any([abort.signal, late.signal]);
  // What others show while they run goes with their result.
  const printed = tool.definition.origin.kind === 'builtin' ? liveOutput(engine, turn, state.callId) : SHOWS_NOTHING;
  let outcome: Outcome;
  try {
    const answer = state.granted === null ? null : await answerOf(engine, live, state.granted);
    const again = state.status === 'outcome_unknown' ? state.granted : null;
    const run: ToolRun = {
      callId: state.callId,
      key: keyOf(engine, turn, state.callId),
      arguments: args,
      signal,
      show: printed.show,
      answer,
      ...(again !== null && { again }),
    };
    outcome = await unless(signal, runIn(tool, scope, run));
  } catch (error) {
    if (abort.signal.aborted) return void (await printed.end(null));
    outcome = late.signal.aborted ? tooLate(toolMs) : failure(engine, state, error);
  } finally {
    clearTimeout(timer);
  }
  const rest = await printed.end(printedBy(ending(engine, turn, state, tool, outcome)));
  if (abort.signal.aborted && mustState(live).turn?.response !== turn.base.id) return;
  killPoint('tool.before-complete');
  const ended = (): readonly EventBody[] => [...rest, ...ending(engine, turn, state, tool, outcome, rest.length)];
  await engine.sessions.commit(live, ended, { actor: 'engine' });
  killPoint('tool.after-complete');
  // What it waits for may have come while that was written.
  if (outcome.ok === 'waits') await engine.subagents.look(live);
}

/** What ran it is gone, and nobody knows whether it did its work: people are asked before it is run again (L6). */
const UNKNOWN = { ok: 'unknown' } as const;
type Outcome = ToolOutcome | typeof UNKNOWN;

/** What the end of a tool keeps of what it printed. */
function printedBy(end: readonly EventBody[]): string | null {
  const [body] = end;
  return body?.type === 'tool.completed' || body?.type === 'tool.failed'
    ? textOf(body.payload.detail?.['output'])
    : null;
}

function runIn(tool: Tool, scope: ToolScope, run: ToolRun): Promise<ToolOutcome> {
  if (tool.source === null) throw new Error('the client runs this tool');
  return tool.source.run(scope, tool.definition, run);
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
function failure(engine: EngineContext, { idempotent }: ToolState, thrown: unknown): Outcome {
  const error = toPerdureError(thrown);
  if (!idempotent && mayHaveRun(error)) return UNKNOWN;
  if (error.code === 'internal_error') engine.report('tools.run', error);
  const known = error.code !== 'internal_error';
  return { ok: false, code: known ? error.code : 'tool_failed', message: known ? error.message : 'The tool failed.' };
}

function ending(
  engine: EngineContext,
  turn: RunningTurn,
  state: ToolState,
  { searches }: Tool,
  outcome: Outcome,
  before = 0,
): readonly EventBody[] {
  const most = engine.tools.limits.outputChars;
  if (outcome.ok === true) return [completedTool(state, outcome, most, searches === true ? foundIn(outcome) : [])];
  if (outcome.ok === false) return [failedTool(state, outcome, most)];
  if (outcome.ok === 'waits') {
    const { on, until } = outcome;
    return [{ type: 'tool.yielded', head: { callId: state.callId, on, until }, payload: null }];
  }
  const { callId, arguments: digest, definition } = state;
  const asks = (
    asking: Pick<Asking, 'policy' | 'why' | 'payload'>,
    said: readonly EventBody[],
  ): readonly EventBody[] => {
    const seq = mustState(turn.live).seq + before + said.length + 1;
    return [...said, approvalRequested(engine, turn, { callId, digest, definition, ...asking }, seq)];
  };
  if (outcome.ok === 'unknown')
    return asks({ policy: 'outcome_unknown', why: 'outcome_unknown' }, [
      { type: 'tool.outcome_unknown', head: { callId }, payload: null },
    ]);
  if (turn.agent?.config.review === 'auto_review')
    return [
      failedTool(
        state,
        { code: 'permission_denied', message: 'The tool asks for an answer, and nobody gives one here.' },
        most,
      ),
    ];
  const payload = { about: outcome.about, resume: outcome.resume };
  return asks({ policy: 'tool', why: outcome.why ?? 'tool_asks', payload }, []);
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

function keyOf({ sha256 }: EngineContext, { live, base }: RunningTurn, callId: string): string {
  return runKey(sha256, live.session, base.id, callId);
}
