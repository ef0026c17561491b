/**
 * What a stateless call continues. The context is held by whoever made the call before it, or read from a stored response; nothing of it
 * is written for a stateless call's sake.
 */
import type { ResponseId } from '../kernel/ids.ts';
import type { LoggedItem, SessionOrigin } from '../log/events.ts';
import type { Caller } from './caller.ts';
import { SessionContext } from './context.ts';
import type { EngineContext } from './engine-context.ts';
import { mustState, planTurn } from './plan.ts';
import type { ContextRun } from './ports.ts';

export interface StatelessContext {
  /** The response that it ends with. */
  readonly id: ResponseId;
  readonly runs: readonly ContextRun[];
  /** Characters of text in it. */
  readonly chars: number;
  /** Calls of it that have no output yet. */
  readonly openCalls: readonly string[];
  /** Every label of what lies in it (L8). */
  readonly labels: readonly string[];
  /** When its first turn began, ms since 1970. */
  readonly startedAt: number;
  readonly turns: number;
  /** Of the session that it was read from: its class and reading are this call's too. Null if no session was ever made of it. */
  readonly origin: SessionOrigin | null;
}

/** The context up to a stored response of the caller's tenant. @throws previous_response_not_found and what else a continuation may */
export async function storedContext(engine: EngineContext, caller: Caller, id: string): Promise<StatelessContext> {
  const plan = await planTurn(engine, caller, { previous_response_id: id });
  if (plan.type === 'new') throw new Error('a continuation is never new');
  const live = plan.type === 'fork' ? plan.parent : plan.live;
  const state = mustState(live);
  let context = live.context;
  if (plan.type === 'fork') {
    const { tenant, session, lineage } = state;
    context = new SessionContext();
    await engine.sessions.wait(context.load(live.store, { tenant, session, lineage, position: plan.position }));
  } else if (!context.loaded) {
    engine.sessions.grew(await engine.sessions.wait(context.load(live.store, state)));
  }
  return {
    id: id as ResponseId,
    // A copy: the session goes on, this call's context does not.
    runs: [...context.runs],
    chars: context.bytes / 2,
    openCalls: plan.type === 'fork' ? plan.openCalls : state.openCalls,
    labels: state.labels,
    startedAt: state.createdAt,
    turns: state.use.turns,
    origin: state.origin,
  };
}

/** The context with one more turn in it. */
export function extended(
  before: StatelessContext | null,
  turn: Pick<StatelessContext, 'id' | 'labels' | 'startedAt'> & {
    readonly input: readonly LoggedItem[];
    /** Calls that its input answers, and those that it makes and leaves open. */
    readonly answers: readonly string[];
    readonly opened: readonly string[];
    readonly output: readonly LoggedItem[];
  },
): StatelessContext {
  const added = [turn.input, turn.output].filter(items => items.length > 0).map(items => ({ items }));
  const left = (before?.openCalls ?? []).filter(call => !turn.answers.includes(call));
  return {
    id: turn.id,
    runs: [...(before?.runs ?? []), ...added],
    chars: (before?.chars ?? 0) + textSize([...turn.input, ...turn.output]),
    openCalls: [...left, ...turn.opened, ...callsOf(turn.output)],
    labels: union(before?.labels ?? [], turn.labels),
    startedAt: before?.startedAt ?? turn.startedAt,
    turns: (before?.turns ?? 0) + 1,
    origin: before?.origin ?? null,
  };
}

export function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])].toSorted();
}

/** The calls that an answer leaves to its client. */
export function callsOf(output: readonly LoggedItem[]): readonly string[] {
  return output.flatMap(item => {
    const id = item['call_id'];
    return item.type.endsWith('_call') && typeof id === 'string' ? [id] : [];
  });
}

/** Characters of text in the items, without serialising them again. */
export function textSize(items: readonly LoggedItem[]): number {
  let size = 0;
  const walk = (value: unknown): void => {
    if (typeof value === 'string') size += value.length;
    else if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) walk(one);
  };
  walk(items);
  return size;
}
