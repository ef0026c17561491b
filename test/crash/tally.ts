/** What is counted over a run, whatever came of it. */
import { newToolCounts, type ToolCounts } from './checks/tool-laws.ts';
import type { KillPoint } from './kill-plan.ts';
import { KILL_POINTS } from './kill-plan.ts';
import type { AgentLedger } from './load/agent-ledger.ts';
import type { Loss } from './shim/power-cut.ts';

export interface Tally {
  kills: number;
  /** Kills with at least `FULL_FLIGHT` stored turns begun and not ended. */
  inFullFlight: number;
  readonly inFlight: number[];
  readonly points: Map<KillPoint, number>;
  /** A named point that was not reached in time: killed from outside. */
  missed: number;
  atRandom: number;
  underShim: number;
  readonly loss: { -readonly [name in keyof Loss]: Loss[name] };
  /** ms from the word to start until the server listened, and until it was ready. */
  readonly listening: number[];
  readonly ready: number[];
  /** ms from listening until a turn that was cut had its call placed again. */
  readonly resumed: number[];
  turns: number;
  acknowledged: number;
  /** Responses read back after a kill. */
  readBack: number;
  stateless: number;
  recalled: number;
  readonly failures: Map<string, number>;
  generations: number;
  events: number;
  placed: number;
  upstreamRequests: number;
  /** Leaves of the ledgers at the ends; how often one was verified after a kill, and ms that it took. */
  sealed: number;
  ledgersVerified: number;
  ledgerMs: number;
  /** Of agents: sessions driven, turns by their kind, and what people were asked. */
  agentSessions: number;
  readonly agentTurns: Map<string, number>;
  agentEvents: number;
  granted: number;
  denied: number;
  unknownAsked: number;
  readonly tools: ToolCounts;
}

/** Stored turns that must be in flight at a kill, in `FULL_FLIGHT_SHARE` of the kills. */
export const FULL_FLIGHT = 8;
export const FULL_FLIGHT_SHARE = 0.8;

export function newTally(): Tally {
  return {
    kills: 0,
    inFullFlight: 0,
    inFlight: [],
    points: new Map(KILL_POINTS.map(point => [point, 0])),
    missed: 0,
    atRandom: 0,
    underShim: 0,
    loss: { writes: 0, bytes: 0, syncs: 0, unsynced: 0, undone: 0 },
    listening: [],
    ready: [],
    resumed: [],
    turns: 0,
    acknowledged: 0,
    readBack: 0,
    stateless: 0,
    recalled: 0,
    failures: new Map(),
    generations: 0,
    events: 0,
    placed: 0,
    upstreamRequests: 0,
    sealed: 0,
    ledgersVerified: 0,
    ledgerMs: 0,
    agentSessions: 0,
    agentTurns: new Map(),
    agentEvents: 0,
    granted: 0,
    denied: 0,
    unknownAsked: 0,
    tools: newToolCounts(),
  };
}

export function addLoss(tally: Tally, loss: Loss): void {
  for (const name of ['writes', 'bytes', 'syncs', 'unsynced', 'undone'] as const) tally.loss[name] += loss[name];
}

export function addTools(tally: Tally, tools: ToolCounts): void {
  for (const name of Object.keys(tools) as (keyof ToolCounts)[]) tally.tools[name] += tools[name];
}

export function addAgents(tally: Tally, { sessions, turns, granted, denied, unknownOutcomes }: AgentLedger): void {
  tally.agentSessions += sessions.length;
  for (const { shown } of sessions) tally.agentEvents += shown.length;
  for (const [kind, count] of turns) tally.agentTurns.set(kind, (tally.agentTurns.get(kind) ?? 0) + count);
  tally.granted += granted;
  tally.denied += denied;
  tally.unknownAsked += unknownOutcomes;
}

/** The value that `share` of the sorted values do not exceed; 0 if there is none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
