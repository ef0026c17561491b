/** `perdure environments`. */
import {
  type EnvironmentFile,
  environmentFilePageSchema,
  type EnvironmentInfo,
  environmentInfoSchema,
  isPerdureError,
  listPageSchema,
  workerTokenSchema,
} from '@perdure/protocol';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { serverAddress } from './server-address.ts';
import { type Server, serverOf } from './server-requests.ts';

export interface EnvironmentOptions extends ConfigFlags {
  readonly json?: boolean;
}
export interface ListOptions extends EnvironmentOptions {
  readonly selfHosted?: boolean;
}

const PATH = '/v1/agents/environments';
const FILES_A_PAGE = 100;
const page = listPageSchema(environmentInfoSchema);

async function server(options: EnvironmentOptions, io: Io): Promise<Server> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  return serverOf(io, { base: await serverAddress(config, io), data: config.data, scope: 'inference', held: false });
}

export async function environmentsList(options: ListOptions, io: Io): Promise<ExitCode> {
  const { list } = await server(options, io);
  const type = options.selfHosted === true ? 'self_hosted' : 'openai_hosted';
  const all = await list(page, `${PATH}?type=${type}`);
  if (options.json === true) printJson(io, all);
  else if (all.data.length === 0) io.out('There are no environments.\n');
  else io.out(table(['ID', 'TYPE', 'STATUS', 'FILES', 'SKILLS'], all.data.map(rowOf)));
  return EXIT.ok;
}

const TYPES = { openai_hosted: 'hosted', self_hosted: 'self-hosted' } as const;

function rowOf({ id, type, status, files, skills }: EnvironmentInfo): readonly string[] {
  return [id, TYPES[type], status, String(files.length), skills.map(({ name }) => name).join(' ') || '-'];
}

export async function environmentsShow(id: string, options: EnvironmentOptions, io: Io): Promise<ExitCode> {
  const asked = await server(options, io);
  const at = `${PATH}/${encodeURIComponent(id)}`;
  const environment = await asked.must(environmentInfoSchema, 'GET', at);
  const files = await filesOf(asked, at);
  if (options.json === true) {
    printJson(io, { ...environment, live_files: files });
    return EXIT.ok;
  }
  io.out(table(['ID', 'TYPE', 'STATUS', 'FILES', 'SKILLS'], [rowOf(environment)]));
  if (files === null) io.out('Its files cannot be read now.\n');
  else if (files.length > 0)
    io.out(
      `\n${table(
        ['BYTES', 'FILE'],
        files.map(({ size_bytes: size, path }) => [String(size), path]),
      )}`,
    );
  return EXIT.ok;
}

/** Null if it has none to show now: it is not ready, or its worker is away. */
async function filesOf({ request, told }: Server, at: string): Promise<readonly EnvironmentFile[] | null> {
  const all: EnvironmentFile[] = [];
  try {
    for (let page = ''; ; ) {
      const one = await request(environmentFilePageSchema, 'GET', `${at}/files?order=asc&limit=${FILES_A_PAGE}${page}`);
      all.push(...one.data);
      if (one.next === null) return all;
      page = `&page=${encodeURIComponent(one.next)}`;
    }
  } catch (error) {
    if (isPerdureError(error) && (error.status === 409 || error.code === 'environments_unavailable')) return null;
    throw told(error);
  }
}

export async function environmentsToken(id: string, options: EnvironmentOptions, io: Io): Promise<ExitCode> {
  const { must } = await server(options, io);
  const path = `/perdure/v1/environments/${encodeURIComponent(id)}/worker_tokens`;
  const made = await must(workerTokenSchema, 'POST', path);
  if (options.json === true) printJson(io, made);
  else {
    io.out(`${made.token ?? ''}\n`);
    io.err(
      `This token is shown this once. It serves ${id} alone: PERDURE_WORKER_KEY=... perdure worker --environment ${id}\n`,
    );
  }
  return EXIT.ok;
}
