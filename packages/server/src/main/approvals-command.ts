/** `perdure approvals`: of a running server. */
import {
  APPROVAL_STATUSES,
  type ApprovalDetail,
  type ApprovalResource,
  type ApprovalStatus,
  type ResolveApproval,
} from '@perdure/protocol';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { moment } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { serverAddress } from './server-address.ts';
import { type Server, serverOf } from './server-requests.ts';

export interface ApprovalsListOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly status?: string;
  readonly session?: string;
  readonly agent?: string;
  readonly unknown?: boolean;
  readonly limit?: number;
}

export interface DecideOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly reason?: string;
  readonly binding?: string;
}

export interface ResolveOptions extends DecideOptions {
  readonly outcome: string;
  readonly output?: string;
}

const MOST = 100;
const PAGE = 100;
const OUTCOMES: readonly string[] = [
  'run_again',
  'give_up',
  'completed',
] satisfies readonly ResolveApproval['outcome'][];

async function server(options: ConfigFlags, io: Io): Promise<Server> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  return serverOf(io, { base: await serverAddress(config, io), data: config.data, scope: 'approve', held: false });
}

export async function approvalsList(options: ApprovalsListOptions, io: Io): Promise<ExitCode> {
  const { status = 'waiting', session, agent, unknown, limit = MOST } = options;
  if (status !== 'all' && !APPROVAL_STATUSES.some(one => one === status))
    throw new CliError(EXIT.usage, `--status must be one of ${APPROVAL_STATUSES.join(', ')}, or all.`);
  const { client, telling } = await server(options, io);
  const found: ApprovalResource[] = [];
  const query = {
    order: 'asc',
    limit: Math.min(PAGE, limit),
    ...(status !== 'all' && { status: status as ApprovalStatus }),
    ...(session !== undefined && { session_id: session }),
    ...(agent !== undefined && { agent_id: agent }),
    ...(unknown === true && { why: 'outcome_unknown' as const }),
  } as const;
  await telling(
    (async () => {
      for await (const one of client.approvals.each(query)) {
        found.push(one);
        if (found.length === limit) return;
      }
    })(),
  );
  if (options.json === true) for (const one of found) printJson(io, one);
  else if (found.length === 0) io.out('There are no such approvals.\n');
  else
    io.out(table(['APPROVAL', 'STATUS', 'WHY', 'TOOL', 'SESSION', 'ASKED BY', 'ASKED', 'EXPIRES'], found.map(rowOf)));
  return EXIT.ok;
}

export async function approvalsShow(id: string, options: DecideOptions, io: Io): Promise<ExitCode> {
  const { client, telling } = await server(options, io);
  return told(await telling(client.approvals.get(id)), options, io);
}

export async function approvalsGrant(id: string, options: DecideOptions, io: Io): Promise<ExitCode> {
  const { client, telling } = await server(options, io);
  const { binding } = options;
  return told(await telling(client.approvals.grant(id, binding === undefined ? {} : { binding })), options, io);
}

export async function approvalsDeny(id: string, options: DecideOptions, io: Io): Promise<ExitCode> {
  const { client, telling } = await server(options, io);
  const { reason } = options;
  return told(await telling(client.approvals.deny(id, reason === undefined ? {} : { reason })), options, io);
}

export async function approvalsResolve(id: string, options: ResolveOptions, io: Io): Promise<ExitCode> {
  const { outcome, output } = options;
  if (!OUTCOMES.includes(outcome)) throw new CliError(EXIT.usage, `--outcome must be one of ${OUTCOMES.join(', ')}.`);
  const { client, telling } = await server(options, io);
  const how = { outcome: outcome as ResolveApproval['outcome'], ...(output !== undefined && { output }) };
  return told(await telling(client.approvals.resolve(id, how)), options, io);
}

function rowOf(one: ApprovalResource): readonly string[] {
  const { id, status, why, tool, session_id: session, requested_by: by, requested_at: at, expires_at: until } = one;
  return [id, status, why, tool, session, by, moment(at), moment(until)];
}

function told(one: ApprovalResource | ApprovalDetail, options: DecideOptions, io: Io): ExitCode {
  if (options.json === true) {
    printJson(io, one);
    return EXIT.ok;
  }
  const automatic = one.decided_by === 'reviewer' ? ', automatically' : '';
  const decided =
    one.decided_at === null
      ? []
      : [
          ['decided', `${one.decided_by ?? '-'} at ${moment(one.decided_at)}${automatic}`],
          ...(one.placement === null ? [] : [['by the call', `${one.placement} (perdure explain shows it)`]]),
        ];
  const content =
    'arguments' in one
      ? [
          ['arguments', JSON.stringify(one.arguments)],
          ...(one.about === null ? [] : [['it asks', JSON.stringify(one.about)]]),
          ...(one.reason === null ? [] : [['reason', one.reason]]),
        ]
      : [];
  const lines = [
    ['status', one.status],
    ['why', one.why],
    ['tool', one.tool],
    ['session', one.session_id],
    ['agent', one.agent_id === null ? '-' : `${one.agent_id} version ${one.agent_version ?? '-'}`],
    ['asked', `${one.requested_by} at ${moment(one.requested_at)}`],
    ['expires', moment(one.expires_at)],
    ...decided,
    ...content,
    ['binding', one.binding],
  ];
  io.out(table([one.id, ''], lines));
  return EXIT.ok;
}
