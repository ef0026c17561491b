/** Which server, or which data folder, a command works with. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, EXIT } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import type { Config } from './config/config.ts';
import { type DataFolder, folderInUse, openDataFolder } from './data-folder.ts';
import { announcedServer, isHttpAddress } from './server-file.ts';

type Where = Pick<Config, 'data' | 'homes' | 'listen'>;

/** A server that a command asks in the place of a data folder. */
export interface AskedServer {
  readonly base: string;
  /** The folder that the command would work on. */
  readonly data: string;
  /** Whether it is asked because another process holds that folder. */
  readonly held: boolean;
}

/** A data folder, or the server that is asked. */
export type Workplace =
  | { readonly folder: DataFolder; readonly server?: undefined }
  | { readonly folder: null; readonly server: AskedServer };

/**
 * Where a command works that can do its work on the data folder. PERDURE_URL goes before the folder, `--data` before PERDURE_URL; a folder that another
 * process holds is reached through its server. What is not the default is told on standard error.
 * @param how `look` makes no folder and no store
 * @throws CliError if there is nothing to look at, or PERDURE_URL is no address; StoreError
 */
export async function workplace(config: Where, flags: ConfigFlags, io: Io, how: 'look' | 'make'): Promise<Workplace> {
  const named = namedServer(io);
  if (named !== null && flags.data === undefined) {
    io.err(`perdure: works with the server at ${named} (PERDURE_URL), not on ${config.data}\n`);
    return { folder: null, server: { base: named, data: config.data, held: false } };
  }
  const there = hasData(config);
  if (how === 'look' && !there && !folderInUse(config.data))
    throw new CliError(EXIT.refused, `there is no data in ${config.data}`, {
      hint: 'Start a server there, set PERDURE_URL to the address of one, or name the data folder with --data.',
    });
  const folder = how === 'make' || there ? await openDataFolder(config, how) : null;
  if (folder !== null) {
    if (named !== null)
      io.err(`perdure: works on ${config.data} (--data), not with the server at ${named} (PERDURE_URL)\n`);
    else if (!there) io.err(`perdure: there was no data in ${config.data}: it is made there\n`);
    return { folder };
  }
  const announced = await announcedServer(config.data);
  const held = { data: config.data, held: true };
  if (announced === null) return { folder: null, server: { base: named ?? configuredAddress(config), ...held } };
  if (named !== null || announced !== configuredAddress(config))
    io.err(`perdure: works with the server at ${announced}, which uses ${config.data}\n`);
  return { folder: null, server: { base: announced, ...held } };
}

/** Where a command asks that only a server can answer: at PERDURE_URL, else at the server of the data folder, else where the configuration listens. @throws CliError if PERDURE_URL is no address */
export async function serverAddress(config: Where, io: Io): Promise<string> {
  return namedServer(io) ?? (await announcedServer(config.data)) ?? configuredAddress(config);
}

/** PERDURE_URL; null if it is not set. @throws CliError if it is no address */
export function namedServer(io: Pick<Io, 'env'>): string | null {
  const said = io.env['PERDURE_URL'] ?? '';
  if (said === '') return null;
  if (isHttpAddress(said)) return said;
  throw new CliError(EXIT.usage, `PERDURE_URL is no http or https address: ${JSON.stringify(said)}`);
}

/** Whether a server, or a command, has ever kept anything there: the first home holds what commands ask for. */
function hasData({ data, homes }: Where): boolean {
  return existsSync(join(data, `${homes[0]?.id ?? ''}.db`));
}

function configuredAddress({ listen }: Where): string {
  return `http://${hostIn(listen.host)}:${listen.port}`;
}

/** Where a server that listens everywhere can be reached from here. */
export function hostIn(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/**
 * The server whose recorded placements are read: of `--url`, else of PERDURE_URL unless `--data` names a folder. Null: the data folder is read, which may be in use.
 * @throws CliError if it is no address
 */
export function replayedServer(
  { url, data }: Pick<ConfigFlags, 'data'> & { readonly url?: string },
  config: Where,
  io: Io,
): string | null {
  if (url !== undefined) {
    if (isHttpAddress(url)) return url;
    throw new CliError(EXIT.usage, `--url is no http or https address: ${JSON.stringify(url)}`);
  }
  const named = namedServer(io);
  if (named === null) return null;
  const other = data === undefined;
  io.err(
    other
      ? `perdure: works with the server at ${named} (PERDURE_URL), not on ${config.data}\n`
      : `perdure: works on ${config.data} (--data), not with the server at ${named} (PERDURE_URL)\n`,
  );
  return other ? named : null;
}
