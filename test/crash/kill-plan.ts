/** Where and when each life of the server ends. */
import {
  AGENT_KILL_POINTS,
  type AgentKillPoint,
  ENGINE_KILL_POINTS,
  type EngineKillPoint,
  PROGRAM_KILL_POINTS,
  type ProgramKillPoint,
  REVIEW_KILL_POINTS,
  type ReviewKillPoint,
  SUBAGENT_KILL_POINTS,
  type SubagentKillPoint,
} from '../../packages/server/src/engine/kill-point.ts';
import { STORE_KILL_POINTS, type StoreKillPoint } from '../../packages/server/src/store/sqlite/kill-point.ts';
import type { Random } from './random.ts';

export type KillPoint =
  | EngineKillPoint
  | AgentKillPoint
  | ProgramKillPoint
  | ReviewKillPoint
  | SubagentKillPoint
  | StoreKillPoint;
export const KILL_POINTS: readonly KillPoint[] = [
  ...ENGINE_KILL_POINTS,
  ...AGENT_KILL_POINTS,
  ...PROGRAM_KILL_POINTS,
  ...REVIEW_KILL_POINTS,
  ...SUBAGENT_KILL_POINTS,
  ...STORE_KILL_POINTS,
];

export type Kill =
  /** The server kills itself when it reaches the point for the nth time. */
  | { readonly type: 'point'; readonly point: KillPoint; readonly nth: number }
  /** Killed from outside so many ms after the last life was checked. */
  | { readonly type: 'time'; readonly afterMs: number };

/**
 * How often a point is passed before it kills: between these. Low enough that it is reached soon, high enough that the load is in full
 * flight by then; recovery's points are passed before any load.
 */
const TIMES: { readonly [Point in KillPoint]: readonly [number, number] } = {
  'turn.before-first-commit': [10, 40],
  'turn.after-first-commit': [10, 40],
  'turn.before-ack': [10, 40],
  'call.before-upstream': [10, 40],
  'call.first-step': [6, 24],
  'call.before-release': [20, 300],
  'call.after-release': [20, 300],
  'call.before-settle': [4, 24],
  'call.after-settle': [4, 24],
  'turn.before-completed-shown': [4, 20],
  'stateless.before-placement': [2, 8],
  'stateless.after-placement': [2, 6],
  'stateless.before-meter': [2, 6],
  'recovery.before-settle': [1, 8],
  'recovery.after-settle': [1, 8],
  'idempotency.after-reserve': [3, 9],
  'cancel.before-commit': [2, 8],
  'cancel.after-commit': [2, 8],
  'tool.before-start': [1, 6],
  'tool.after-start': [1, 6],
  'tool.before-complete': [1, 6],
  'tool.after-complete': [1, 6],
  'approval.before-commit': [1, 4],
  'approval.after-commit': [1, 4],
  'steer.before-commit': [1, 3],
  'program.before-request': [1, 3],
  'program.after-request': [1, 3],
  'program.before-suspend': [1, 1],
  'review.before-commit': [1, 2],
  'review.after-commit': [1, 2],
  'subagent.after-created': [1, 2],
  'subagent.before-told': [1, 2],
  'subagent.before-resumed': [1, 1],
  'subagent.after-resumed': [1, 1],
  'subagent.after-closed': [1, 1],
  'writer.before-begin': [30, 300],
  'writer.after-insert': [20, 80],
  'writer.mid-batch': [10, 80],
  'writer.before-commit': [30, 300],
  'writer.after-commit': [30, 300],
  'release.before-commit': [20, 200],
  'release.after-commit': [20, 200],
  'checkpoint.before': [2, 4],
  'checkpoint.after': [2, 4],
};

const AT_RANDOM_MS = { least: 0, most: 400 };
/** Of five kills so many are at named points. */
const POINTS_OF_FIVE = 4;
export const POINTS_SHARE: number = POINTS_OF_FIVE / 5;

/**
 * An endless plan: points in turn, each as often as any other, between kills at random times. A point that a life did not reach in time is tried
 * again before the others, sooner: on a slow machine fewer are passed in the time that a life has.
 */
export class KillPlan {
  readonly #random: Random;
  readonly #points: readonly KillPoint[];
  #made = 0;
  #round: KillPoint[] = [];
  readonly #again: Extract<Kill, { type: 'point' }>[] = [];

  /** @param points those that are used besides random times; none: all kills are at random times */
  constructor(random: Random, points: readonly KillPoint[]) {
    this.#random = random;
    this.#points = points;
  }

  next(): Kill {
    const turn = this.#made++ % 5;
    if (this.#points.length === 0 || turn >= POINTS_OF_FIVE) {
      return { type: 'time', afterMs: this.#random.between(AT_RANDOM_MS.least, AT_RANDOM_MS.most) };
    }
    const again = this.#again.shift();
    if (again !== undefined) return again;
    if (this.#round.length === 0) this.#round = this.#random.shuffled(this.#points);
    const point = this.#round.pop() ?? 'writer.before-commit';
    return { type: 'point', point, nth: this.#random.between(...TIMES[point]) };
  }

  /** The life ended before its point was reached. */
  missed({ point, nth }: Extract<Kill, { type: 'point' }>): void {
    this.#again.push({ type: 'point', point, nth: Math.ceil(nth / 2) });
  }
}
