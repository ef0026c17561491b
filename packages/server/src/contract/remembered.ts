/** Compiled expressions, and the memory that those have which depend on the call alone, or on the place alone. */
import type { Ask } from './block.ts';
import type { Env, Value } from './value.ts';

export type Run = (env: Env) => Value;

/** What an expression's result can depend on: the call, the place, both or neither. Bits. */
export const READS = { nothing: 0, call: 1, place: 2, both: 3 } as const;
export type Reads = number;

export interface Compiled {
  readonly run: Run;
  readonly reads: Reads;
  /** Nodes. */
  readonly size: number;
  /** What it was compiled from. */
  readonly est: unknown;
  /** Asks many places at once, where the expression is made of conditions. */
  readonly ask?: Ask;
}

/** The memo slots that the expressions of a contract use, by what they remember: clauses that ask the same share the answer. */
export interface MemoPlan {
  readonly call: Map<string, number>;
  readonly place: Map<string, number>;
  readonly both: Map<string, number>;
}

export function memoPlan(): MemoPlan {
  return { call: new Map(), place: new Map(), both: new Map() };
}

export function slotOf(slots: Map<string, number>, est: unknown): number {
  const key = JSON.stringify(est);
  const slot = slots.get(key) ?? slots.size;
  slots.set(key, slot);
  return slot;
}

/** Below this size, running is as quick as remembering. */
const LEAST_REMEMBERED = 2;

/**
 * Keeps the result of an expression that depends on the call alone, or on the place alone, in a slot of the environment. What fails
 * is not kept: it fails again.
 */
export function remembered(compiled: Compiled, plan: MemoPlan): Compiled {
  const { run, reads, size, est } = compiled;
  if (size < LEAST_REMEMBERED || (reads !== READS.call && reads !== READS.place)) return compiled;
  const slot = slotOf(reads === READS.call ? plan.call : plan.place, est);
  // Two closures that differ in one property name: reading it by a variable costs more than the rest together.
  const onCall: Run = env => {
    const memo = env.callMemo;
    if (memo === null) return run(env);
    const known = memo[slot];
    if (known !== undefined) return known;
    const value = run(env);
    memo[slot] = value;
    return value;
  };
  const onPlace: Run = env => {
    const memo = env.placeMemo;
    if (memo === null) return run(env);
    const known = memo[slot];
    if (known !== undefined) return known;
    const value = run(env);
    memo[slot] = value;
    return value;
  };
  return { ...compiled, run: reads === READS.call ? onCall : onPlace };
}
