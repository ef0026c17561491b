/** What a run found, as a table for people and as JSON for programs. */
import type { HarnessReport } from './harness.ts';
import type { DiskFullReport } from './disk-full.ts';
import { POINTS_SHARE } from './kill-plan.ts';
import { FULL_FLIGHT, FULL_FLIGHT_SHARE, quantile, type Tally } from './tally.ts';

/** ms within which a cut turn must be at work again after the restart (DESIGN.md part 11). */
export const RESUME_GOAL_MS = 2000;

export function fullFlightShare({ tally }: HarnessReport): number {
  return tally.kills === 0 ? 0 : tally.inFullFlight / tally.kills;
}

export function asJson(report: HarnessReport): object {
  const { tally, violations, seconds, seed, shimMissing, diskFull } = report;
  const { points, failures, agentTurns, inFlight, listening, ready, resumed, ...counts } = tally;
  return {
    seed,
    seconds,
    ...counts,
    full_flight_share: fullFlightShare(report),
    in_flight: spread(inFlight),
    listening_ms: spread(listening),
    ready_ms: spread(ready),
    resumed_ms: spread(resumed),
    agent_turns: Object.fromEntries(agentTurns),
    points: Object.fromEntries(points),
    failures: Object.fromEntries(failures),
    shim_missing: shimMissing,
    disk_full: diskFull,
    missed_goals: missedGoals(report),
    violations: violations.total,
    violations_by_kind: Object.fromEntries(violations.counts),
    first_violations: violations.kept,
  };
}

function spread(values: readonly number[]): object {
  return { count: values.length, p50: quantile(values, 0.5), p99: quantile(values, 0.99), max: quantile(values, 1) };
}

export function asTable(report: HarnessReport): string {
  const { tally, violations, seconds, seed, shimMissing, diskFull, folder } = report;
  const { loss } = tally;
  const times = (values: readonly number[]): string =>
    values.length === 0
      ? 'none'
      : `p50 ${quantile(values, 0.5)} ms, p99 ${quantile(values, 0.99)} ms, max ${quantile(values, 1)} ms (${values.length})`;
  const percent = (fullFlightShare(report) * 100).toFixed(1);
  const rows: [string, string][] = [
    [
      'kills',
      `${tally.kills} in ${seconds} s, seed ${seed}: ${sum(tally.points)} at named points, ${tally.atRandom} at random times, ${tally.missed} named but not reached`,
    ],
    [
      'under the lost-writes shim',
      shimMissing ??
        `${tally.underShim} kills; it saw ${loss.writes} writes (${Math.round(loss.bytes / 2 ** 20)} MiB) and ${loss.syncs} syncs, and undid ${loss.undone} of ${loss.unsynced} writes not synced`,
    ],
    [
      `${FULL_FLIGHT} stored turns or more in flight`,
      `${percent}% of the kills (goal ${FULL_FLIGHT_SHARE * 100}%); median ${quantile(tally.inFlight, 0.5)}`,
    ],
    [
      'stored turns',
      `${tally.turns} begun, ${tally.acknowledged} acknowledged, ${tally.readBack} times read back; ${tally.recalled} chains asked for their first fact`,
    ],
    ['failed with a reason', [...tally.failures].map(([code, count]) => `${code} ${count}`).join(', ') || 'none'],
    ['stateless calls', String(tally.stateless)],
    [
      'sessions of agents',
      `${tally.agentSessions}, turns: ${[...tally.agentTurns].map(([kind, count]) => `${kind} ${count}`).join(', ')}; ${tally.agentEvents} events followed`,
    ],
    [
      'tools of the server',
      `${tally.tools.started} starts, ${tally.tools.effects} side effects, ${tally.tools.unknown} of unknown outcome (${tally.unknownAsked} asked and answered)`,
    ],
    [
      'programs',
      `${tally.tools.programs}, which made ${tally.tools.programCalls} calls; ${tally.tools.subagents} sub-agents`,
    ],
    [
      'verdicts of the reviewer',
      `${tally.tools.permitted} yes, ${tally.tools.refused} no; ${tally.tools.unasked} times it could not be asked`,
    ],
    ['approvals', `${tally.granted} granted, ${tally.denied} denied; ${tally.tools.waiting} sessions are left waiting`],
    [
      'the log',
      `${tally.generations} data folders, ${tally.events} events; ${tally.placed} calls of turns placed, ${tally.upstreamRequests} seen by the upstream`,
    ],
    [
      'the ledger',
      `${tally.sealed} leaves, each event and entry of the audit once; verified after ${tally.ledgersVerified} kills, in ${(tally.ledgerMs / 1000).toFixed(1)} s`,
    ],
    ['a full disk', diskFullRow(diskFull)],
    ['restart: listening', times(tally.listening)],
    ['restart: ready', times(tally.ready)],
    ['cut turns: placed again after listening', `${times(tally.resumed)}; goal ${RESUME_GOAL_MS} ms`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  lines.push('', 'kill points:');
  for (const [point, count] of tally.points) lines.push(`  ${point.padEnd(width)}${count}`);
  const missed = missedGoals(report);
  if (missed.length > 0) lines.push('', ...missed.map(goal => `missed: ${goal}`));
  lines.push('', violations.total === 0 ? 'no violation' : `${violations.total} VIOLATIONS`);
  for (const [kind, count] of violations.counts) lines.push(`  ${count} x ${kind}`);
  for (const { law, what, detail } of violations.kept) lines.push(`  ${law}: ${what}: ${detail}`);
  if (folder !== null) lines.push(`the data is kept in ${folder}`);
  return `${lines.join('\n')}\n`;
}

function diskFullRow(report: DiskFullReport | null): string {
  if (report === null) return 'not asked for';
  return report.ran
    ? `${report.refused} refusals (507 store_full), ${report.turns} turns begun, ${report.readBack} times read back`
    : `not run: ${report.why}`;
}

/** Of a run long enough to be held to them. */
const LONG_KILLS = 1000;
const KILLS_A_POINT = 20;

/** Kills that each point must have had: fewer than its share, for of one or the other a life ended before it was reached. */
function killsAPoint({ kills, points }: Tally): number {
  return Math.min(KILLS_A_POINT, Math.floor((kills * POINTS_SHARE * 0.8) / points.size));
}

/** Without these a run without violations proves too little. */
export function missedGoals(report: HarnessReport): readonly string[] {
  const { tally, shimMissing } = report;
  const missed: string[] = [];
  if (fullFlightShare(report) < FULL_FLIGHT_SHARE)
    missed.push(`${FULL_FLIGHT} turns in flight in ${FULL_FLIGHT_SHARE * 100}% of the kills`);
  if (shimMissing === null && tally.underShim > 0 && (tally.loss.writes === 0 || tally.loss.syncs === 0))
    missed.push('a shim that sees writes and syncs');
  if (tally.kills < LONG_KILLS) return missed;
  const least = killsAPoint(tally);
  for (const [point, count] of tally.points) if (count < least) missed.push(`${least} kills at ${point}: ${count}`);
  const { permitted, refused, programCalls, subagents } = tally.tools;
  for (const [what, count] of Object.entries({ permitted, refused, programCalls, subagents }))
    if (count === 0) missed.push(`something of each kind: ${what}`);
  return missed;
}

function sum(counts: ReadonlyMap<unknown, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
