/** `perdure automations`, through the running server. */
import {
  type AutomationResource,
  automationSchema,
  type InvocationResource,
  invocationSchema,
  listPageSchema,
} from '@perdure/protocol';
import { moment } from '../cli/moment.ts';
import { EXIT, type ExitCode } from '../cli/exit.ts';
import { type Io, printJson } from '../cli/io.ts';
import type { ConfigFlags } from '../cli/options.ts';
import { table } from '../cli/table.ts';
import { configured } from '../configured.ts';
import { configWith } from '../discover.ts';
import { serverAddress } from '../server-address.ts';
import { type Server, serverOf } from '../server-requests.ts';

export interface AutomationOptions extends ConfigFlags {
  readonly json?: boolean;
}
export interface ListOptions extends AutomationOptions {
  readonly session?: string;
}

const PATH = '/v1/agents/automations';
const RUNS_SHOWN = 10;
const page = listPageSchema(automationSchema);
const runs = listPageSchema(invocationSchema);

async function server(options: ConfigFlags, io: Io): Promise<Server> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  return serverOf(io, { base: await serverAddress(config, io), data: config.data, scope: 'inference', held: false });
}

const at = (id: string, verb = ''): string => `${PATH}/${encodeURIComponent(id)}${verb}`;

export async function automationsList(options: ListOptions, io: Io): Promise<ExitCode> {
  const { list } = await server(options, io);
  const session = options.session === undefined ? '' : `?session_id=${encodeURIComponent(options.session)}`;
  const all = await list(page, PATH + session);
  if (options.json === true) printJson(io, all);
  else if (all.data.length === 0) io.out('There are no automations.\n');
  else io.out(table(['ID', 'STATUS', 'SCHEDULE', 'TARGET', 'MADE BY', 'NAME'], all.data.map(rowOf)));
  return EXIT.ok;
}

async function show(id: string, options: AutomationOptions, io: Io): Promise<ExitCode> {
  const { must } = await server(options, io);
  const automation = await must(automationSchema, 'GET', at(id));
  const { data } = await must(runs, 'GET', at(id, `/invocations?limit=${RUNS_SHOWN}`));
  if (options.json === true) {
    printJson(io, { automation, invocations: data });
    return EXIT.ok;
  }
  const lines = [
    ['name', automation.name],
    ['status', automation.status],
    ['schedule', scheduleOf(automation)],
    ['target', targetOf(automation)],
    ['made', `${moment(automation.created_at)} by ${makerOf(automation)}`],
  ] as const;
  io.out(`${automation.id}\n${lines.map(([what, value]) => `  ${what.padEnd(10)}${value}\n`).join('')}`);
  if (data.length === 0) io.out('It has not run yet.\n');
  else io.out(`\n${table(['RUN', 'DUE', 'STATUS', 'SESSION', 'WHY'], data.map(runRow))}`);
  return EXIT.ok;
}

async function set(id: string, verb: 'pause' | 'resume', options: AutomationOptions, io: Io): Promise<ExitCode> {
  const { must } = await server(options, io);
  const automation = await must(automationSchema, 'POST', at(id, `/${verb}`));
  if (options.json === true) printJson(io, automation);
  else io.out(`${id} is ${automation.status}\n`);
  return EXIT.ok;
}

async function run(id: string, options: AutomationOptions, io: Io): Promise<ExitCode> {
  const { must } = await server(options, io);
  const invocation = await must(invocationSchema, 'POST', at(id, '/invocations'));
  if (options.json === true) printJson(io, invocation);
  else io.out(`${invocation.id} is ${invocation.status}${whyOf(invocation)}\n`);
  // Nothing runs if another run has not been delivered yet.
  return invocation.status === 'skipped' ? EXIT.refused : EXIT.ok;
}

type Verb = (id: string, options: AutomationOptions, io: Io) => Promise<ExitCode>;
export const automationVerbs: { readonly [verb in 'show' | 'pause' | 'resume' | 'run']: Verb } = {
  show,
  pause: (id, options, io) => set(id, 'pause', options, io),
  resume: (id, options, io) => set(id, 'resume', options, io),
  run,
};

function rowOf(automation: AutomationResource): readonly string[] {
  const { id, status, name } = automation;
  return [id, status, scheduleOf(automation), targetOf(automation), makerOf(automation), name];
}

function scheduleOf(automation: AutomationResource): string {
  return automation.type === 'once'
    ? `once, ${moment(automation.run_at)}`
    : `${automation.expression} (${automation.timezone})`;
}

function targetOf({ target }: AutomationResource): string {
  if (target.type === 'existing_session') return target.session_id;
  const model = target.agent?.['model'];
  return `new session of ${target.agent_id ?? (typeof model === 'string' ? model : 'an agent')}`;
}

function makerOf({ created_by: by }: AutomationResource): string {
  return by.type === 'agent' ? `agent in ${by.session_id}` : 'developer';
}

function runRow(invocation: InvocationResource): readonly string[] {
  const { id, scheduled_at: due, status, session_id: session } = invocation;
  return [
    id,
    due === null ? 'asked for' : moment(due),
    status,
    session ?? '-',
    whyOf(invocation).replace(/^: /, '') || '-',
  ];
}

function whyOf({ error, skip_reason: skipped }: InvocationResource): string {
  if (error !== null) return `: ${error.code}: ${error.message}`;
  return skipped === null ? '' : ': another run has not been delivered yet';
}
