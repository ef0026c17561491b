/**
 * What a stateless call continues. The context is held by whoever made the call before it, or read from a stored response; nothing of it
 * is written for a stateless call's sake.
 */
import { union } from '../kernel/union.ts';
import type { ResponseId } from '../kernel/ids.ts';
import type { LoggedItem, SessionOrigin } from '../log/events.ts';
import type { Caller } from './caller.ts';
import { readContext } from './compaction/read-context.ts';
import type { EngineContext } from './engine-context.ts';
import type { ContextRun } from './ports.ts';

export interface StatelessContext {
  /** The response that it ends with; null if it is a conversation's. */
  readonly id: ResponseId | null;
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

/** One that a call has made: whoever holds it knows it by its response. */
export type HeldContext = StatelessContext & { readonly id: ResponseId };

/** The context of what a request continues in the store; null if it continues nothing there. @throws as `readContext` */
export async function storedContext(
  engine: EngineContext,
  caller: Caller,
  request: Parameters<typeof readContext>[2],
): Promise<StatelessContext | null> {
  const { history, of, ...read } = await readContext(engine, caller, request);
  if (of === null) return null;
  return {
    ...read,
    id: (request.previous_response_id ?? null) as ResponseId | null,
    runs: history,
    startedAt: of.createdAt,
    turns: of.use.turns,
    origin: of.origin,
  };
}

/** The context with one more turn in it. */
export function extended(
  before: StatelessContext | null,
  turn: Pick<HeldContext, 'id' | 'labels' | 'startedAt'> & {
    /** What the call was sent before its input: the context, or what a compaction made of it. */
    readonly history: readonly ContextRun[];
    readonly input: readonly LoggedItem[];
    /** Calls that its input answers, and those that it makes and leaves open. */
    readonly answers: readonly string[];
    readonly opened: readonly string[];
    readonly output: readonly LoggedItem[];
  },
): HeldContext {
  // A compaction in the output stands for the history, which holds its content already.
  const output = turn.output.filter(item => item.type !== 'compaction');
  const added = [turn.input, output].filter(items => items.length > 0).map(items => ({ items }));
  const left = (before?.openCalls ?? []).filter(call => !turn.answers.includes(call));
  const kept = before?.runs ?? [];
  const same = kept.length === turn.history.length && kept.every((run, at) => run === turn.history[at]);
  const chars = same ? (before?.chars ?? 0) : textSize(turn.history.flatMap(run => run.items));
  return {
    id: turn.id,
    runs: [...turn.history, ...added],
    chars: chars + textSize([...turn.input, ...output]),
    openCalls: [...left, ...turn.opened, ...callsOf(output)],
    labels: union(before?.labels ?? [], turn.labels),
    startedAt: before?.startedAt ?? turn.startedAt,
    turns: (before?.turns ?? 0) + 1,
    origin: before?.origin ?? null,
  };
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
