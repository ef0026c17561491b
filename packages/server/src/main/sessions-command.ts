/** `perdure sessions`: of a running server. */
import {
  agentItemSchema,
  agentSessionDeletedSchema,
  agentSessionSchema,
  agentTurnSchema,
  listPageSchema,
} from '@perdure/protocol';
import * as z from 'zod';
import { type JsonObject, textOf } from '../log/events.ts';
import { moment } from './cli/moment.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { serverAddress } from './server-address.ts';
import { type Server, serverOf } from './server-requests.ts';
import { eventsOf, tellEvents, waitsFor } from './sessions/follow.ts';
import { itemLines } from './sessions/transcript.ts';

export interface SessionsOptions extends ConfigFlags {
  readonly json?: boolean;
}
export interface ListOptions extends SessionsOptions {
  readonly agent?: string;
  readonly limit?: number;
}
export interface ShowOptions extends SessionsOptions {
  readonly items?: number;
}
export interface StartOptions extends SessionsOptions {
  readonly model?: string;
  readonly agent?: string;
  readonly environment?: string;
  readonly follow?: boolean;
}
export interface SendOptions extends SessionsOptions {
  readonly follow?: boolean;
}
export interface FollowOptions extends SessionsOptions {
  readonly all?: boolean;
  readonly untilIdle?: boolean;
}

const PATH = '/v1/agents/sessions';
const MOST = 50;
const ITEMS = 20;

// What each holds is checked against the wire's schema; here it is read field by field.
const session = agentSessionSchema as z.ZodType<JsonObject>;
const page = (schema: z.ZodType) => listPageSchema(schema as z.ZodType<JsonObject>);
const pathOf = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;

async function server(options: SessionsOptions, io: Io): Promise<Server> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  return serverOf(io, { base: await serverAddress(config, io), data: config.data, scope: 'inference', held: false });
}

export async function sessionsList(options: ListOptions, io: Io): Promise<ExitCode> {
  const { agent, limit = MOST } = options;
  const path = agent === undefined ? PATH : `${PATH}?agent_id=${encodeURIComponent(agent)}`;
  const { list } = await server(options, io);
  const found = await list(page(agentSessionSchema), path, limit);
  if (options.json === true) printJson(io, found);
  else if (found.data.length === 0) io.out('There are no sessions.\n');
  else io.out(sessionsTable(found.data));
  return EXIT.ok;
}

function sessionsTable(sessions: readonly JsonObject[]): string {
  return table(['SESSION', 'STATUS', 'AGENT', 'MODEL', 'TOKENS', 'LAST ACTIVE'], sessions.map(rowOf));
}

function rowOf(one: JsonObject): readonly string[] {
  const { id, name, model } = one['agent'] as JsonObject;
  const { total_tokens: tokens = 0 } = (one['usage'] ?? {}) as JsonObject;
  const active = moment(Number(one['last_active_at']));
  const agent = typeof name === 'string' ? name : textOf(id);
  return [textOf(one['id']), textOf(one['status']), agent, textOf(model), `${Number(tokens)}`, active];
}

export async function sessionsShow(id: string, options: ShowOptions, io: Io): Promise<ExitCode> {
  const asked = await server(options, io);
  const found = await asked.must(session, 'GET', pathOf(id));
  // The newest come first in lists, and last to whoever reads them.
  const last = async (schema: z.ZodType, what: string, most: number): Promise<readonly JsonObject[]> =>
    (await asked.list(page(schema), `${pathOf(id)}/${what}`, most)).data.toReversed();
  const turns = await last(agentTurnSchema, 'turns', MOST);
  const items = await last(agentItemSchema, 'items', options.items ?? ITEMS);
  if (options.json === true) {
    printJson(io, { ...found, turns, items });
    return EXIT.ok;
  }
  io.out(sessionsTable([found]));
  for (const line of waitsFor(found)) io.out(`${line}\n`);
  if (turns.length > 0) io.out(`\n${table(['TURN', 'STATUS', 'BEGAN', 'ENDED', 'ERROR'], turns.map(turnRow))}`);
  if (items.length > 0) io.out('\n');
  for (const item of items) for (const line of itemLines(item)) io.out(`${line}\n`);
  return EXIT.ok;
}

function turnRow(turn: JsonObject): readonly string[] {
  const at = (seconds: unknown): string => (typeof seconds === 'number' ? moment(seconds) : '-');
  const { code } = (turn['error'] ?? {}) as JsonObject;
  return [
    textOf(turn['id']),
    textOf(turn['status']),
    at(turn['created_at']),
    at(turn['completed_at']),
    typeof code === 'string' ? code : '-',
  ];
}

export async function sessionsStart(text: string, options: StartOptions, io: Io): Promise<ExitCode> {
  const { model, agent, environment = 'none' } = options;
  if ((model === undefined) === (agent === undefined))
    throw new CliError(EXIT.usage, 'Give either --model or --agent.');
  if (environment !== 'none' && environment !== 'hosted')
    throw new CliError(EXIT.usage, '--environment must be none or hosted.');
  const asked = await server(options, io);
  const made = await asked.must(session, 'POST', PATH, {
    environment: { type: environment === 'none' ? 'none' : 'openai_hosted' },
    ...(agent === undefined ? { agent: { model } } : { agent_id: agent }),
    input: text,
  });
  if (options.json === true) printJson(io, made);
  else io.out(`${textOf(made['id'])}\n`);
  return options.follow === true ? follow(asked, textOf(made['id']), options, io, BEGINNING) : EXIT.ok;
}

export async function sessionsSend(id: string, text: string, options: SendOptions, io: Io): Promise<ExitCode> {
  const asked = await server(options, io);
  const content = [{ type: 'input_text', text }];
  const event = { type: 'agent.session.input.message', input: [{ role: 'user', content }] };
  if (options.follow !== true) return posted(asked, id, event);
  // Before it is sent: nothing of what comes of it is missed.
  const stream = await asked.stream(`${pathOf(id)}/events`);
  await posted(asked, id, event);
  return told(asked, stream, options, io, isRest);
}

export async function sessionsCancel(id: string, options: SessionsOptions, io: Io): Promise<ExitCode> {
  const code = await posted(await server(options, io), id, { type: 'agent.session.input.cancel' });
  if (options.json === true) printJson(io, { id, object: 'agent.session', cancel_requested: true });
  return code;
}

async function posted({ must }: Server, id: string, event: object): Promise<ExitCode> {
  await must(z.undefined(), 'POST', `${pathOf(id)}/events`, { events: [event] });
  return EXIT.ok;
}

export async function sessionsDelete(id: string, options: SessionsOptions, io: Io): Promise<ExitCode> {
  const { must } = await server(options, io);
  const gone = await must(agentSessionDeletedSchema as z.ZodType<JsonObject>, 'DELETE', pathOf(id));
  if (options.json === true) printJson(io, gone);
  else io.out(`${textOf(gone['id'])} is gone, and erased.\n`);
  return EXIT.ok;
}

export async function sessionsFollow(id: string, options: FollowOptions, io: Io): Promise<ExitCode> {
  const asked = await server(options, io);
  return follow(asked, id, options, io, options.all === true ? BEGINNING : null);
}

/** As `Last-Event-ID`: all that ever happened. */
const BEGINNING = '0';

async function follow(
  asked: Server,
  id: string,
  options: FollowOptions & { readonly follow?: boolean },
  io: Io,
  from: string | null,
): Promise<ExitCode> {
  const stream = await asked.stream(`${pathOf(id)}/events`, from === null ? {} : { 'last-event-id': from });
  return told(asked, stream, options, io, options.follow === true || options.untilIdle === true ? isRest : () => false);
}

async function told(
  { telling }: Server,
  stream: AsyncIterable<Uint8Array>,
  options: SessionsOptions,
  io: Io,
  isLast: (event: JsonObject) => boolean,
): Promise<ExitCode> {
  await telling(tellEvents(eventsOf(stream), io, { json: options.json === true, isLast }));
  return EXIT.ok;
}

function isRest({ type }: JsonObject): boolean {
  return type === 'agent.session.idle';
}
