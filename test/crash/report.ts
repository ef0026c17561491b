/** What a run found, as a table for people and as JSON for programs. */
import type { HarnessReport } from './harness.ts';
import { FULL_FLIGHT, FULL_FLIGHT_SHARE, quantile } from './tally.ts';

/** ms within which a cut turn must be at work again after the restart (DESIGN.md part 11). */
export const RESUME_GOAL_MS = 2000;

export function fullFlightShare({ tally }: HarnessReport): number {
  return tally.kills === 0 ? 0 : tally.inFullFlight / tally.kills;
}

export function asJson(report: HarnessReport): object {
  const { tally, violations, seconds, seed, shimMissing } = report;
  const { points, failures, inFlight, listening, ready, resumed, ...counts } = tally;
  return {
    seed,
    seconds,
    ...counts,
    full_flight_share: fullFlightShare(report),
    in_flight: spread(inFlight),
    listening_ms: spread(listening),
    ready_ms: spread(ready),
    resumed_ms: spread(resumed),
    points: Object.fromEntries(points),
    failures: Object.fromEntries(failures),
    shim_missing: shimMissing,
    violations: violations.total,
    violations_by_kind: Object.fromEntries(violations.counts),
    first_violations: violations.kept,
  };
}

function spread(values: readonly number[]): object {
  return { count: values.length, p50: quantile(values, 0.5), p99: quantile(values, 0.99), max: quantile(values, 1) };
}

export function asTable(report: HarnessReport): string {
  const { tally, violations, seconds, seed, shimMissing, folder } = report;
  const { loss } = tally;
  const times = (values: readonly number[]): string =>
    values.length === 0 ? 'none' : `p50 ${quantile(values, 0.5)} ms, p99 ${quantile(values, 0.99)} ms, max ${quantile(values, 1)} ms (${values.length})`;
  const percent = (fullFlightShare(report) * 100).toFixed(1);
  const rows: [string, string][] = [
    ['kills', `${tally.kills} in ${seconds} s, seed ${seed}: ${sum(tally.points)} at named points, ${tally.atRandom} at random times, ${tally.missed} named but not reached`],
    ['under the lost-writes shim', shimMissing ?? `${tally.underShim} kills; it saw ${loss.writes} writes (${Math.round(loss.bytes / 2 ** 20)} MiB) and ${loss.syncs} syncs, and undid ${loss.undone} of ${loss.unsynced} writes not synced`],
    [`${FULL_FLIGHT} stored turns or more in flight`, `${percent}% of the kills (goal ${FULL_FLIGHT_SHARE * 100}%); median ${quantile(tally.inFlight, 0.5)}`],
    ['stored turns', `${tally.turns} begun, ${tally.acknowledged} acknowledged, ${tally.readBack} times read back; ${tally.recalled} chains asked for their first fact`],
    ['failed with a reason', [...tally.failures].map(([code, count]) => `${code} ${count}`).join(', ') || 'none'],
    ['stateless calls', String(tally.stateless)],
    ['the log', `${tally.generations} data folders, ${tally.events} events; ${tally.placed} calls of turns placed, ${tally.upstreamRequests} seen by the upstream`],
    ['restart: listening', times(tally.listening)],
    ['restart: ready', times(tally.ready)],
    ['cut turns: placed again after listening', `${times(tally.resumed)}; goal ${RESUME_GOAL_MS} ms`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  lines.push('', 'kill points:');
  for (const [point, count] of tally.points) lines.push(`  ${point.padEnd(width)}${count}`);
  lines.push('', violations.total === 0 ? 'no violation' : `${violations.total} VIOLATIONS`);
  for (const [kind, count] of violations.counts) lines.push(`  ${count} x ${kind}`);
  for (const { law, what, detail } of violations.kept) lines.push(`  ${law}: ${what}: ${detail}`);
  if (folder !== null) lines.push(`the data is kept in ${folder}`);
  return `${lines.join('\n')}\n`;
}

function sum(counts: ReadonlyMap<unknown, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
