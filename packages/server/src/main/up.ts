/** Runs the server until it is told to end. */
import { resolve } from 'node:path';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { setCollector } from './collector.ts';
import { composeServer, type ComposedServer } from './compose.ts';
import type { Config } from './config/config.ts';
import { ConfigError } from './config/problem.ts';
import { configFile, readConfigFile, withData } from './configured.ts';
import { discover } from './discover.ts';
import { giveBack } from '../store/sqlite/give-back.ts';
import type { EmulatedClouds } from './emulated.ts';

export interface UpOptions extends ConfigFlags {
  readonly host?: string;
  readonly port?: number;
  readonly json?: boolean;
  /** Start the emulated clouds and use no other upstream. */
  readonly emulated?: boolean;
}

interface Prepared {
  readonly config: Config;
  readonly file: string | null;
  readonly emulated: EmulatedClouds | null;
}

/** With `--json`, why it does not start is one JSON line too, beside what is told to people. */
export async function up(options: UpOptions, io: Io): Promise<ExitCode> {
  try {
    return await serve(options, io);
  } catch (error) {
    if (options.json === true && error instanceof Error)
      printJson(io, { object: 'error', code: codeOf(error), message: error.message });
    throw error;
  }
}

/** Of the store, the system or the configuration; `failed` where there is none. */
function codeOf(error: Error): string {
  const code: unknown = 'storeError' in error ? error.storeError : 'code' in error ? error.code : null;
  if (typeof code === 'string') return code;
  return error.cause instanceof ConfigError ? 'config_invalid' : 'failed';
}

async function serve(options: UpOptions, io: Io): Promise<ExitCode> {
  setCollector();
  const note = (line: string): void => io.err(`perdure: ${line}\n`);
  const { config, file, emulated } = await prepare(options, io, note);
  const told = toldToEnd(note);
  let server: ComposedServer;
  try {
    server = await composeServer(config, { log: note });
  } catch (error) {
    told.forget();
    await emulated?.close();
    throw error;
  }
  for (const warning of server.warnings) note(warning);
  // Before anybody knows the address.
  giveBack();
  announce(server, config, file, options.json === true, io);
  await told.end;
  note('draining: turns in flight are finished; another signal ends at once');
  await server.close();
  await emulated?.close();
  told.forget();
  return EXIT.ok;
}

async function prepare(options: UpOptions, io: Io, note: (line: string) => void): Promise<Prepared> {
  const file = configFile(options, io.cwd);
  if (file !== null) {
    if (options.emulated === true) {
      throw new CliError(EXIT.usage, `--emulated goes without a configuration file, and there is ${file}`);
    }
    return { config: overridden(readConfigFile(file, io), options, io), file, emulated: null };
  }
  const { config, notes, emulated } = await discover({
    env: io.env,
    cwd: io.cwd,
    emulated: options.emulated === true,
    onEmulatedEnd: note,
  });
  for (const line of notes) note(line);
  return { config: overridden(config, options, io), file: null, emulated };
}

function overridden(config: Config, options: UpOptions, io: Io): Config {
  const { host, port, said } = config.listen;
  // The command line's host stands in no file.
  const place = options.host === undefined && said !== undefined ? { said } : {};
  const listen = { host: options.host ?? host, port: options.port ?? port, ...place };
  return withData({ ...config, listen }, options, io);
}

function announce(server: ComposedServer, config: Config, file: string | null, json: boolean, io: Io): void {
  if (!json) return io.out(`perdure listening on ${server.url}\n`);
  const targets = config.targets.map(({ id, model, cloud, region, emulated }) => ({
    id,
    model,
    cloud,
    region,
    emulated,
  }));
  printJson(io, {
    url: server.url,
    pid: process.pid,
    data: config.data,
    config: file === null ? null : resolve(io.cwd, file),
    targets,
  });
}

/** The first signal asks for an orderly end, the second one takes it. */
function toldToEnd(note: (line: string) => void): { readonly end: Promise<void>; forget(): void } {
  let asked = false;
  let resolveEnd: () => void = () => undefined;
  const end = new Promise<void>(settle => {
    resolveEnd = settle;
  });
  const onSignal = (): void => {
    if (asked) {
      note('ended at once; what was acknowledged is safe, and the next start finishes the turns that were in flight');
      process.exit(EXIT.failed);
    }
    asked = true;
    resolveEnd();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    end,
    forget() {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    },
  };
}
