/** `perdure placements`: the list of a running server, as a table or as JSON lines. */
import type { PlacementFilters, PlacementPage, PlacementResource } from '@perdure/protocol';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { moment, momentOption } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { unknownFilters } from './placements-unknown.ts';
import { serverAddress } from './server-address.ts';
import { serverOf } from './server-requests.ts';

export interface PlacementsOptions extends ConfigFlags, PlacementFilters {
  readonly json?: boolean;
  readonly limit: number;
  readonly order?: 'asc' | 'desc';
  readonly after?: string;
}

export async function placements(options: PlacementsOptions, io: Io): Promise<ExitCode> {
  const { json, limit, config: file, data: folder, after, ...filters } = options;
  const flags = { ...(file !== undefined && { config: file }), ...(folder !== undefined && { data: folder }) };
  momentOption('perdure placements', '--from', filters.from);
  momentOption('perdure placements', '--to', filters.to);
  const { config } = await configured(flags, io, async () => configWith([], io.cwd));
  const found: PlacementResource[] = [];
  let next: string | null | undefined = after;
  const { client, telling } = serverOf(io, {
    base: await serverAddress(config, io),
    data: config.data,
    scope: 'read, auditor or operator',
    held: false,
  });
  while (next !== null && found.length < limit) {
    const query = { ...filters, limit: Math.min(100, limit - found.length) };
    const page: PlacementPage = await telling(
      client.placements.list({ ...query, ...(next !== undefined && { after: next }) }),
    );
    found.push(...page.data);
    next = page.next;
  }
  if (found.length === 0 && next === null && [filters.clause, filters.target, filters.cloud].some(Boolean)) {
    const { data: targets } = await telling(client.targets.list());
    for (const line of unknownFilters(filters, config.contracts, targets)) io.err(`${line}\n`);
  }
  if (json === true) for (const one of found) printJson(io, one);
  else if (found.length === 0) io.out('There are no such placements.\n');
  else
    io.out(
      table(['PLACEMENT', 'RECORDED', 'ACTION', 'PURPOSE', 'OUTCOME', 'TARGET', 'CLOUD', 'CLAUSES'], found.map(rowOf)),
    );
  if (typeof next === 'string') io.err(`There are more: --after ${next}\n`);
  return EXIT.ok;
}

function rowOf(one: PlacementResource): readonly string[] {
  const against = one.rows.flatMap(row => (row.verdict === 'denied' ? row.clauses.map(clause => clause.id) : []));
  const flagged = one.flagged.map(clause => `~${clause.id}`);
  return [
    one.id,
    moment(one.created_at),
    one.action,
    one.purpose,
    one.outcome,
    one.target?.id ?? (one.action === 'place_state' ? (one.home ?? '-') : '-'),
    one.target?.cloud ?? one.rows.find(({ verdict }) => verdict === 'chosen')?.cloud ?? '-',
    [...new Set([...against, ...flagged])].join(','),
  ];
}
