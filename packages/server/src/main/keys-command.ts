/** `perdure keys`: on the data folder, or through the server that holds it. */
import { isPerdureError } from '@perdure/protocol';
import { dayOf } from '../kernel/day.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { type KeyResource, type KeySpec, KeySpecError } from './keys/key-row.ts';
import { type KeyDesk, keysInFolder } from './keys-in-folder.ts';
import { keysOverHttp } from './keys-over-http.ts';
import { workplace } from './server-address.ts';
import { exitOf } from './server-requests.ts';

export interface KeysOptions extends ConfigFlags {
  readonly json?: boolean;
}

export interface KeysCreateOptions extends KeysOptions {
  readonly name: string;
  readonly tenant?: string;
  readonly product?: string;
  readonly channel?: string;
  readonly segment?: string;
  readonly scope?: readonly string[];
  readonly sigv4?: boolean;
  readonly withoutAdmin?: boolean;
}

export async function keysCreate(options: KeysCreateOptions, io: Io): Promise<ExitCode> {
  const { name, tenant, product, channel, segment, scope, sigv4 } = options;
  const spec: KeySpec = {
    name,
    ...(tenant !== undefined && { tenant }),
    ...(product !== undefined && { product }),
    ...(channel !== undefined && { channel }),
    ...(segment !== undefined && { segment }),
    ...(scope !== undefined && { scopes: scope }),
    ...(sigv4 === true && { auth: 'sigv4' }),
    ...(options.withoutAdmin === true && { without_admin: true }),
  };
  const { key, first } = await atDesk(
    options,
    io,
    async desk => ({ first: (await desk.list()).length === 0, key: await desk.create(spec) }),
    'make',
  );
  if (options.json === true) printJson(io, key);
  else {
    io.err('This is the only time that the key is shown:\n');
    if (key.access_key_id === undefined) io.out(`${key.secret}\n`);
    else io.out(`AWS_ACCESS_KEY_ID=${key.access_key_id}\nAWS_SECRET_ACCESS_KEY=${key.secret}\n`);
    io.err(
      `${key.id}: tenant ${key.tenant}, ${key.product} through ${key.channel}, ${key.segment}, ${key.scopes.join(' ')}\n`,
    );
  }
  if (first) io.err(FIRST);
  return EXIT.ok;
}

/** What changes with the first key. */
const FIRST: string =
  'It is the first key: from now on every request needs one. What was stored without a key is of the tenant local, and stays so: keys of that tenant reach it.\n';

export async function keysList(options: KeysOptions, io: Io): Promise<ExitCode> {
  const keys = await atDesk(options, io, desk => desk.list());
  if (options.json === true) printJson(io, { object: 'list', data: keys, has_more: false });
  else if (keys.length === 0) io.out('There are no keys: the server accepts any, on loopback only.\n');
  else
    io.out(table(['ID', 'NAME', 'KEY', 'TENANT', 'PRODUCT', 'CHANNEL', 'SEGMENT', 'SCOPES', 'STATE'], keys.map(rowOf)));
  return EXIT.ok;
}

export async function keysRevoke(id: string, options: KeysOptions, io: Io): Promise<ExitCode> {
  if (id.startsWith('config:'))
    throw new CliError(EXIT.usage, `${id} stands in the configuration file: remove it there`);
  const revoked = await atDesk(options, io, desk => desk.revoke(id));
  if (!revoked) throw new CliError(EXIT.failed, `there is no key ${id}`, { hint: '"perdure keys list" lists them' });
  if (options.json === true) printJson(io, { id, object: 'perdure.key', revoked: true });
  else io.out(`${id} is revoked\n`);
  return EXIT.ok;
}

function rowOf(key: KeyResource): readonly string[] {
  const state = key.revoked_at === null ? 'active' : `revoked ${dayOf(key.revoked_at * 1000)}`;
  const shown = key.access_key_id ?? (key.prefix === null ? '-' : `${key.prefix}...`);
  return [key.id, key.name, shown, key.tenant, key.product, key.channel, key.segment, key.scopes.join(','), state];
}

async function atDesk<T>(
  options: KeysOptions,
  io: Io,
  act: (desk: KeyDesk) => Promise<T>,
  how: 'look' | 'make' = 'look',
): Promise<T> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  // Keys and what is in force lie in the control home alone.
  const at = await workplace({ ...config, homes: config.homes.slice(0, 1) }, options, io, how);
  const desk = at.folder === null ? keysOverHttp(at.server, io) : await keysInFolder(config, at.folder);
  try {
    return await act(desk);
  } catch (error) {
    if (isPerdureError(error)) throw new CliError(exitOf(error), error.message, { cause: error });
    if (error instanceof KeySpecError)
      throw new CliError(EXIT.usage, `perdure keys: ${error.message}`, { cause: error });
    throw error;
  } finally {
    await desk.close();
  }
}
