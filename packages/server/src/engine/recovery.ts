/**
 * Recovery: what a process does with turns and calls that another left unfinished. It claims the session, settles what was in flight by the
 * rule of cut calls, and enters the same loop that a fresh turn runs in.
 */
import { perdureError, toPerdureError } from '@perdure/protocol';
import { idBody, type ResponseId, type SessionId } from '../kernel/ids.ts';
import { decodeEvent } from '../log/codec.ts';
import type { EventBody, Json } from '../log/events.ts';
import type { SessionRow } from '../log/rows.ts';
import type { Step } from '../log/steps.ts';
import { next } from '../session/next.ts';
import type { WireEvent } from '../session/output.ts';
import { makeAgentTurn } from './agent-sessions/agent-turn.ts';
import { readConfig } from './agent-sessions/session-config.ts';
import { principalOf } from './caller.ts';
import { endCancelled } from './cancel-turn.ts';
import { sealEvent } from './compaction/seal.ts';
import { settled } from './cut-call.ts';
import { readDocument } from './documents.ts';
import type { EngineContext } from './engine-context.ts';
import { fail } from './fail-turn.ts';
import { killPoint } from './kill-point.ts';
import type { LiveSession } from './live-session.ts';
import { mustState } from './plan.ts';
import type { ProviderError, SessionLog } from './ports.ts';
import { isOutputEvent, readTurn, replayOutputs } from './read.ts';
import { claim } from './claim.ts';
import { callSettings } from './settings.ts';
import { failedEvent } from './stateless-run.ts';
import { isClosed } from './subagents/family.ts';
import { type ResponseBase, RunningTurn, seconds } from './turn.ts';
import { commitNext } from './place-next.ts';
import { runTurn } from './turn-loop.ts';

/** Sessions looked at together. */
const PAGE = 256;
/** Sessions recovered at once. */
const AT_ONCE = 32;

/** Times in a row that a turn's call may be cut before it is not made again: it may be what ends the processes. */
export const MAX_TAKEOVERS = 10;

export interface RecoveryReport {
  /** Turns taken up again. */
  readonly turns: number;
  /** Stateless calls whose reservation was closed as unknown. */
  readonly calls: number;
  /** Sessions that could not be taken up; they are tried again later. */
  readonly failed: number;
}

/**
 * Takes up everything unfinished in every home. Resolves when all of it is settled and under way again, not when it is done.
 * @param stopping once true, nothing more is taken up: it is left to the next process
 */
export async function recover(engine: EngineContext, stopping: () => boolean = () => false): Promise<RecoveryReport> {
  const report = { turns: 0, calls: 0, failed: 0 };
  await engine.sessions.wait(engine.lease.ensure());
  for (const store of engine.homes.all) {
    for (let after: SessionId | null = null; !stopping(); ) {
      const rows: readonly SessionRow[] = await engine.sessions.wait(store.open(after, PAGE));
      for (let i = 0; i < rows.length && !stopping(); i += AT_ONCE) {
        await Promise.all(rows.slice(i, i + AT_ONCE).map(row => recoverOne(engine, store, row, report, stopping)));
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) break;
      after = last.session;
    }
  }
  return report;
}

async function recoverOne(
  engine: EngineContext,
  store: SessionLog,
  row: SessionRow,
  report: { turns: number; calls: number; failed: number },
  stopping: () => boolean,
): Promise<void> {
  const { tenant, session } = row;
  try {
    const taken = await takeUp(engine, { tenant, session, store });
    if (taken !== null) report[taken] += 1;
  } catch (error) {
    // The stop cut it off, and the next process takes it up.
    if (stopping()) return;
    report.failed += 1;
    engine.report('recovery', toPerdureError(error));
    engine.recoverLater({ tenant, session, store });
  }
}

/** Takes up what is unfinished of a session: its turn, or its stateless call. Null if nothing is. */
export async function takeUp(
  engine: EngineContext,
  { tenant, session, store }: Pick<LiveSession, 'tenant' | 'session' | 'store'>,
  wanted: Wanted = {},
): Promise<'turns' | 'calls' | null> {
  const live = await engine.sessions.load(tenant, session, store);
  if (live === null) return null;
  if (live.state?.kind !== 'stateless') {
    if (await recoverSession(engine, live, wanted)) return 'turns';
    // What it waits for may have come while nobody was there.
    await engine.subagents.look(live);
    return null;
  }
  // It began here since the start: whoever makes it ends it.
  if (live.begun) return null;
  await closeReservation(engine, live);
  return 'calls';
}

/** A stateless call whose end nobody wrote down: closed as unknown, at its bound (L5). */
async function closeReservation(engine: EngineContext, live: LiveSession): Promise<void> {
  const call = live.state?.turn?.call;
  if (call != null)
    await engine.sessions.commit(live, [failedEvent(call.index, 'unknown', call)], { actor: 'recovery' });
  engine.sessions.forget(live);
}

export interface Wanted {
  /** The turn is taken up only to be ended; one that waits for people too. */
  readonly cancel?: { readonly response: ResponseId; readonly actor: string };
  /** Not what this process itself has given up: that waits its time (`recoverLater`), or each reader would make another call. */
  readonly orphansOnly?: boolean;
}

/** Takes the session's open turn up again; false if there is none, or it runs here already. */
export async function recoverSession(
  engine: EngineContext,
  live: LiveSession,
  { cancel, orphansOnly }: Wanted = {},
): Promise<boolean> {
  return engine.sessions.exclusive(live, async () => {
    const state = mustState(live);
    if (state.kind === 'stateless') {
      await closeReservation(engine, live);
      return false;
    }
    if (state.turn === null || engine.running.has(state.turn.response)) return false;
    if (cancel === undefined ? state.phase === 'waiting' : state.turn.response !== cancel.response) return false;
    if (orphansOnly === true && state.owner === engine.owner) return false;
    await engine.sessions.wait(engine.lease.ensure());
    // Whoever closed a sub-agent may have died before he ended what it runs.
    const endedBy = cancel?.actor ?? ((await isClosed(engine, live)) ? 'engine' : null);
    const bodies = await claim(engine, live);
    const { turn, shown } = await rebuild(engine, live);
    engine.running.set(turn.base.id, turn);
    turn.broadcast.publish(shown);
    turn.cancelledBy = endedBy;
    killPoint('recovery.before-settle');
    try {
      await settleCut(engine, turn, bodies);
    } catch (error) {
      // It does not run here after all: whoever reads is told, and the next attempt must not find it running.
      engine.running.delete(turn.base.id);
      const problem = toPerdureError(error);
      turn.broadcast.end(problem);
      turn.finish.reject(problem);
      throw error;
    }
    killPoint('recovery.after-settle');
    if (live.state?.turn == null) engine.running.delete(turn.base.id);
    else void runTurn(engine, turn);
    return true;
  });
}

/** Closes the call that was in flight, if one was, and lets the turn go on. */
async function settleCut(engine: EngineContext, turn: RunningTurn, claimed: readonly EventBody[]): Promise<void> {
  const { live } = turn;
  const state = mustState(live);
  const effect = next(state);
  const call = state.turn?.call ?? null;
  if (turn.cancelledBy !== null)
    return endCancelled(engine, turn, {
      before: claimed,
      asked: true,
      released: call === null ? [] : await releasedSteps(engine, live, call.index),
      show: true,
    });
  if (effect.type !== 'await_call' || call === null || state.turn === null) {
    if (claimed.length > 0) await engine.sessions.commit(live, claimed, { actor: 'recovery' });
    return;
  }
  const released = await releasedSteps(engine, live, call.index);
  const { bodies, shown, unshown, shownCall } = settled(
    turn,
    { streamed: state.turn.streamed, call },
    processDied(),
    released,
  );
  // The dead process showed these; here nobody has seen them yet, and a reader that comes now begins with them.
  turn.broadcast.publish(shown);
  const all = [...claimed, ...bodies];
  if (shownCall) {
    return fail(
      engine,
      turn,
      perdureError('upstream_interrupted', 'The server stopped after a function call had been shown.'),
      all,
      unshown,
    );
  }
  if (state.turn.failures + 1 >= MAX_TAKEOVERS) {
    const given = perdureError('upstream_interrupted', `The call was cut ${MAX_TAKEOVERS} times in a row.`);
    return fail(engine, turn, given, all, unshown);
  }
  await commitNext(engine, turn, state, all, unshown);
}

/** What the dead process released of the call: those steps count as shown. */
async function releasedSteps(
  engine: EngineContext,
  { tenant, session, store }: LiveSession,
  call: number,
): Promise<readonly Step[]> {
  const rows = await engine.sessions.wait(store.journal(tenant, session));
  return rows.filter(row => row.call === call).flatMap(row => JSON.parse(row.steps) as Step[]);
}

function processDied(): ProviderError {
  const error = new Error('The process that made the call has stopped.');
  return Object.assign(error, {
    providerError: 'upstream_interrupted' as const,
    retryable: true,
    retryAfterMs: null,
    status: null,
    param: null,
    requestId: null,
  });
}

/** The running turn as its process had it in memory, from the log. */
async function rebuild(
  engine: EngineContext,
  live: LiveSession,
): Promise<{ readonly turn: RunningTurn; readonly shown: readonly WireEvent[] }> {
  const { tenant, session, store } = live;
  const state = mustState(live);
  const open = state.turn;
  if (open === null) throw perdureError('internal_error');
  const stored = await readTurn(engine, store, { tenant, session, from: open.inputSeq });
  const events = stored.map(one => decodeEvent({ tenant, session }, one));
  const accepted = events.find(event => event.type === 'input.accepted');
  const started = events.find(event => event.type === 'turn.started');
  if (accepted === undefined || started === undefined)
    throw perdureError('internal_error', undefined, { cause: new Error(`${session}: the open turn has no beginning`) });
  const tools: Json = (await readDocument(engine, live, tenant, started.head.tools)) ?? [];
  const instructions = await readDocument(engine, live, tenant, started.head.instructions);
  const settings = started.payload?.settings ?? {};
  const base: ResponseBase = {
    id: open.response,
    model: open.model,
    createdAt: seconds(accepted.at),
    previous: accepted.head.previous,
    conversation: state.kind === 'conversation' ? session.replace('sess_', 'conv_') : null,
    settings,
    tools,
    instructions: typeof instructions === 'string' ? instructions : null,
    store: true,
    background: open.background,
  };
  const turn = new RunningTurn(
    live,
    idBody(open.response, 'resp') ?? '',
    base,
    callSettings(settings, tools, base.instructions),
    [],
  );
  if (state.kind === 'agent') turn.agent = makeAgentTurn(await readConfig(engine, live, open.runs), null);
  turn.principal = principalOf(accepted.actor);
  turn.input = accepted.payload?.items ?? [];
  if (!live.context.loaded) engine.sessions.grew(await engine.sessions.wait(live.context.load(store, state)));
  const resource = turn.resource('in_progress');
  const shown: WireEvent[] = [turn.event('response.created', resource), turn.event('response.in_progress', resource)];
  const sealed = events.map(event => sealEvent(engine.compaction.seals, event));
  const at = replayOutputs(base, sealed, shown, turn.agent?.fold);
  turn.seq = at.seq;
  turn.cut = at.cut;
  for (const event of sealed) {
    if (event.type === 'call.completed') turn.addUsage(event.head.usage);
    if (isOutputEvent(event) && event.payload !== null) turn.output.push(...event.payload.items);
  }
  return { turn, shown };
}
