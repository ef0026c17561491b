/** Which configuration a command works with: the file that was named, the one that lies here, or none. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CliError, EXIT } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import type { Config } from './config/config.ts';
import { CONFIG_FILE, loadConfig } from './config/load.ts';
import { ConfigError, problemLine } from './config/problem.ts';

export interface Configured {
  readonly config: Config;
  /** Null: no file, so what `fallback` gave. */
  readonly file: string | null;
}

export function configFile(flags: ConfigFlags, cwd: string): string | null {
  if (flags.config !== undefined) return flags.config;
  return existsSync(join(cwd, CONFIG_FILE)) ? CONFIG_FILE : null;
}

/** @throws CliError with every error of the file */
export function readConfigFile(file: string, io: Io): Config {
  try {
    const { config, warnings } = loadConfig(resolve(io.cwd, file), io.env, file);
    for (const warning of warnings) io.err(`${problemLine(warning)}\n`);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CliError(EXIT.usage, error.message, { cause: error });
  }
}

export async function configured(flags: ConfigFlags, io: Io, fallback: () => Promise<Config>): Promise<Configured> {
  const file = configFile(flags, io.cwd);
  const config = file === null ? await fallback() : readConfigFile(file, io);
  return { config: withData(config, flags, io), file };
}

export function withData(config: Config, { data }: ConfigFlags, io: Io): Config {
  return data === undefined ? config : { ...config, data: resolve(io.cwd, data) };
}
