/**
 * What whoever drives a session sends it: messages, results of the tools that he runs, and that a turn is to end.
 *
 * N1  What was taken is durable before it is acknowledged (L2).
 * N2  Of a request with a key each input is taken once, whatever dies in the middle of it and however often it is sent again.
 * N3  A message while a turn runs waits for a place where the model can take it; without a turn it begins one. If the turn ends without it, the next one
 *     begins with it (N4, `waiting.ts`).
 */
import { type NewItem, type PerdureError, perdureError, toPerdureError } from '@perdure/protocol';
import { homeTag, type ResponseId } from '../../kernel/ids.ts';
import type { EventBody, JsonObject, LoggedItem } from '../../log/events.ts';
import { MAX_QUEUED_INPUTS, type PendingCall, type ToolState, waitingMessages } from '../../session/state.ts';
import { actorOf, type Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { type Idempotent, reserve } from '../idempotency.ts';
import { type InTurn, makeInTurn } from '../in-turn.ts';
import type { LiveSession } from '../live-session.ts';
import { checkOrigin, mustState } from '../plan.ts';
import { commitClaimed } from '../claim.ts';
import { goOn } from '../tools/approvals.ts';
import { completedTool, failedTool } from '../tools/output.ts';
import { answeredCall, type LateResult } from '../tools/pending.ts';
import type { ToolContent } from '../tools/ports.ts';
import { beginAgentTurn, mustTakeInput } from './begin.ts';
import { cancelOpenTurn } from './cancel-session.ts';
import { findSession, responseOfTurn } from './find.ts';
import { awaited, isTaken } from './late-results.ts';
import { inputMark, takenInputs } from './taken.ts';

export interface ToolResult {
  readonly turnId: string;
  readonly callId: string;
  readonly success: boolean;
  readonly output: string | readonly ToolContent[] | null;
  readonly error: string | null;
}

export type SessionInput =
  | { readonly type: 'message'; readonly items: readonly NewItem[] }
  | { readonly type: 'cancel' }
  | { readonly type: 'tool_result'; readonly result: ToolResult };

/** Requests with keys that this process is carrying out: the same request at the same time waits for it. */
const UNDER_WAY = new WeakMap<EngineContext, InTurn>();

/** Takes the events in their order. @throws session_not_found, and what the first that is refused throws */
export async function postInputs(
  engine: EngineContext,
  caller: Caller,
  id: string,
  inputs: readonly SessionInput[],
  idempotency: Idempotent | null,
): Promise<void> {
  const live = await findSession(engine, caller, id);
  checkOrigin(caller, mustState(live));
  if (idempotency === null) return takeAll(engine, caller, id, inputs, null);
  const slot = JSON.stringify([caller.tenant, caller.principal, id, idempotency.key]);
  const underWay = UNDER_WAY.get(engine) ?? makeInTurn();
  UNDER_WAY.set(engine, underWay);
  return underWay(slot, () => once(engine, caller, live, inputs, idempotency));
}

async function once(
  engine: EngineContext,
  caller: Caller,
  live: LiveSession,
  inputs: readonly SessionInput[],
  idempotency: Idempotent,
): Promise<void> {
  const { home } = mustState(live);
  const reserved = await reserve(engine, caller, {
    ...idempotency,
    route: `POST /v1/agents/sessions/${live.session}/events`,
    home,
  });
  if (reserved.type === 'done') return;
  const taken = new Set(reserved.type === 'begun' ? await takenInputs(engine, live, inputs, reserved) : []);
  try {
    await takeAll(engine, caller, live.session, inputs, reserved.id, taken);
    await reserved.done();
  } catch (error) {
    const problem = toPerdureError(error);
    // What was taken of it must not be taken again under the same key.
    if (reserved.type === 'fresh' && taken.size === 0 && problem.status < 500) await reserved.release();
    throw problem;
  }
}

async function takeAll(
  engine: EngineContext,
  caller: Caller,
  id: string,
  inputs: readonly SessionInput[],
  reserved: ResponseId | null,
  /** Indices of those that were taken: they are left out, and others come in as they are taken. */
  taken: Set<number> = new Set(),
): Promise<void> {
  let unused = reserved;
  for (const [index, input] of inputs.entries()) {
    if (taken.has(index)) {
      if (input.type === 'message') unused = null;
      continue;
    }
    const mark = reserved === null ? null : inputMark(reserved, index);
    const live = await findSession(engine, caller, id);
    switch (input.type) {
      case 'message':
        await takeMessage(engine, caller, live, input.items, unused, { mark });
        unused = null;
        break;
      case 'cancel':
        await cancelOpenTurn(engine, caller, live);
        await engine.subagents.cancel(caller, live);
        break;
      case 'tool_result':
        await takeResult(engine, caller, await whoseCall(engine, live, input.result), input.result, mark);
    }
    taken.add(index);
  }
}

/** Begins a turn, or steers the one that is open. @param key where there is one, it waits in the session once with it @param signal aborted: neither */
export async function takeMessage(
  engine: EngineContext,
  caller: Caller,
  live: LiveSession,
  items: readonly NewItem[],
  reserved: ResponseId | null,
  {
    mark = null,
    key,
    signal,
  }: { readonly mark?: string | null; readonly key?: string; readonly signal?: AbortSignal } = {},
): Promise<void> {
  await engine.sessions.exclusive(live, async () => {
    mustTakeInput(live);
    signal?.throwIfAborted();
    await engine.sessions.wait(engine.lease.ensure());
    if (mustState(live).turn === null) return beginAgentTurn(engine, caller, live, items, { reserved });
    const queued = (): readonly EventBody[] => {
      const state = mustState(live);
      // It ended while this waited for its turn.
      if (state.turn === null) throw ENDED;
      if (waitingMessages(state) >= MAX_QUEUED_INPUTS)
        throw perdureError('session_queue_full', undefined, { retryAfterMs: 1000 });
      const waiting = items.map(
        (item): LoggedItem => ({ ...(item as unknown as JsonObject), type: item.type, id: 'queued' }),
      );
      const head = { count: items.length, ...(mark !== null && { request: mark }), ...(key !== undefined && { key }) };
      return [{ type: 'input.queued', head, payload: { items: waiting } }];
    };
    try {
      await commitClaimed(engine, live, queued, actorOf(caller));
    } catch (error) {
      if (error !== ENDED) throw error;
      return beginAgentTurn(engine, caller, live, items, { reserved });
    }
    askForBoundary(engine, live);
  });
  await engine.subagents.look(live);
}

const ENDED = new Error('the turn has ended');

/** The session of which the result is: that of a sub-agent, if the turn is one of its. */
async function whoseCall(engine: EngineContext, live: LiveSession, { turnId }: ToolResult): Promise<LiveSession> {
  const response = mustState(live).subagents === undefined ? null : responseOfTurn(turnId);
  if (response === null) return live;
  const row = await engine.sessions.wait(live.store.response(live.tenant, response));
  const member = row === null ? null : await engine.sessions.load(live.tenant, row.session, live.store);
  return member?.state?.subagent?.owner === live.session ? member : live;
}

/** Ends a call that waits for it; of one that the model went on without, steers its turn or begins another. */
async function takeResult(
  engine: EngineContext,
  caller: Caller,
  live: LiveSession,
  result: ToolResult,
  mark: string | null,
): Promise<void> {
  const begun = await engine.sessions.exclusive(live, async () => {
    mustTakeInput(live);
    await engine.sessions.wait(engine.lease.ensure());
    const turn = responseOfTurn(result.turnId);
    const late = lateOf(result);
    if (await isTaken(engine, live, turn, result.callId, late)) return false;
    const waiting = (): PendingCall | null => awaited(mustState(live), turn, result.callId, engine.clock.now());
    const begin = async (): Promise<true> => {
      const call = waiting();
      if (call === null) throw unknownCall(result.callId);
      // The id that a key reserved is that of the turn which its first message begins.
      await beginAgentTurn(engine, caller, live, [], { reserved: null, answer: { call, result: late, mark } });
      return true;
    };
    if (mustState(live).turn === null) return begin();
    // Looked at when the commit's time has come: until then the turn may go on without the result, or end.
    const answered = (): readonly EventBody[] => {
      const call = waiting();
      if (call === null) return [marked(ended(engine, pendingTool(live, result), result), mark)];
      if (mustState(live).turn === null) throw ENDED;
      return [answeredCall(call, late, engine.tools.limits.outputChars, mark)];
    };
    try {
      await commitClaimed(engine, live, answered, actorOf(caller));
    } catch (error) {
      if (error !== ENDED) throw error;
      return begin();
    }
    if ((mustState(live).turn?.queued?.length ?? 0) > 0) askForBoundary(engine, live);
    return false;
  });
  if (!begun) await goOn(engine, live);
}

/** What the model is saying may end early, where that is safe. */
function askForBoundary(engine: EngineContext, live: LiveSession): void {
  const running = engine.running.get(mustState(live).turn?.response ?? ('' as ResponseId));
  if (running !== undefined) running.boundary.asked = true;
}

function lateOf({ success, output, error }: ToolResult): LateResult {
  return success ? { code: null, output: output ?? '' } : { code: 'client_failed', output: error ?? FAILED };
}

const FAILED = 'The tool failed.';

function ended(engine: EngineContext, tool: ToolState, { success, output, error }: ToolResult): EventBody {
  const most = engine.tools.limits.outputChars;
  return success
    ? completedTool(tool, { ok: true, output: output ?? '' }, most)
    : failedTool(tool, { code: 'client_failed', message: error ?? FAILED }, most);
}

/** The end of a tool, with the input that brought it. */
function marked(end: EventBody, request: string | null): EventBody {
  if (request === null) return end;
  return end.type === 'tool.completed' || end.type === 'tool.failed'
    ? ({ ...end, head: { ...end.head, request } } as EventBody)
    : end;
}

/** The tool whose result the session waits for. @throws invalid_request_error, in the words that the SDK looks for */
function pendingTool(live: LiveSession, { turnId, callId }: ToolResult): ToolState {
  const { turn } = mustState(live);
  const tool = turn?.tools.find(one => one.callId === callId);
  const asked = turn?.approvals.some(one => one.callId === callId) ?? false;
  const waits = tool?.client === true && tool.status === 'requested' && !asked;
  if (tool === undefined || !waits || turn?.response !== responseOfTurn(turnId)) throw unknownCall(callId);
  return tool;
}

function unknownCall(callId: string): PerdureError {
  return perdureError('invalid_request_error', `Unknown pending tool call: ${callId}`);
}

/** The id that the first turn of a new session takes. */
export function drawTurn(engine: EngineContext, live: LiveSession): ResponseId {
  return engine.ids.next('resp', homeTag(mustState(live).home)) as ResponseId;
}
