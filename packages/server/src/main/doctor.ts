/** `perdure doctor`: looks at everything that a server needs, and says what is wrong. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HomeId } from '../kernel/ids.ts';
import { lapseWarnings } from '../placement/lapse.ts';
import type { HomeStore } from '../store/home-store.ts';
import { openSqliteHome } from '../store/sqlite/open-sqlite-home.ts';
import { AlertOutbox, type PendingAlert } from './alerts/outbox.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { CliError } from './cli/exit.ts';
import { table } from './cli/table.ts';
import type { Config } from './config/config.ts';
import { compareHost } from './config/hosts.ts';
import { configured } from './configured.ts';
import { sha256 } from './digest.ts';
import { configWith } from './discover.ts';
import { activeDifferences } from './govern/open.ts';
import { isolationCheck } from './isolation-check.ts';
import { isLoopback } from './loopback.ts';
import { announcedServer, holdDataFolder } from './server-file.ts';
import { snapshotOfConfig } from './snapshots.ts';
import { verifyHome } from './verify-home.ts';

export interface DoctorOptions extends ConfigFlags {
  readonly json?: boolean;
}

export interface Check {
  readonly name: string;
  readonly result: 'ok' | 'warning' | 'failed';
  readonly detail: string;
}

/** Below the first a server cannot be trusted to run on; below the second somebody should look. Bytes. */
const LEAST_SPACE: number = 64 * 1024 * 1024;
const LITTLE_SPACE: number = 1024 * 1024 * 1024;
/** Findings of one home that are shown. */
const SHOWN = 20;

export async function doctor(options: DoctorOptions, io: Io): Promise<ExitCode> {
  const checks: Check[] = [nodeCheck(process.version)];
  const config = await configCheck(options, io, checks);
  if (config !== null)
    checks.push(
      contractsCheck(config),
      hostsCheck(config),
      spaceCheck(config.data),
      await isolationCheck(config),
      ...(await dataChecks(config)),
    );
  const ok = checks.every(({ result }) => result !== 'failed');
  if (options.json === true) printJson(io, { object: 'perdure.doctor', ok, checks });
  else io.out(`${table(['CHECK', 'RESULT', 'DETAIL'], checks.map(rowOf))}${ok ? 'healthy' : 'not healthy'}\n`);
  return ok ? EXIT.ok : EXIT.refused;
}

function rowOf({ name, result, detail }: Check): readonly string[] {
  return [name, result, detail.replaceAll('\n', '\n    ')];
}

const ok = (name: string, detail: string): Check => ({ name, result: 'ok', detail });
const failed = (name: string, detail: string): Check => ({ name, result: 'failed', detail });

/** The same bound as `engines` in package.json. */
function nodeCheck(version: string): Check {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  const enough = major > 22 || (major === 22 && minor >= 13);
  return enough ? ok('node', version) : failed('node', `${version}; 22.13 or newer is needed`);
}

async function configCheck(options: DoctorOptions, io: Io, checks: Check[]): Promise<Config | null> {
  try {
    const { config, file } = await configured(options, io, async () => configWith([], io.cwd));
    checks.push(ok('config', file ?? 'no file: upstreams are found when the server starts'));
    return config;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    checks.push(failed('config', error.message));
    return null;
  }
}

function contractsCheck(config: Config): Check {
  try {
    const { contracts, warnings: said } = snapshotOfConfig(config);
    const warnings = [...said, ...lapseWarnings(contracts, config.asOf?.ms ?? Date.now())];
    const names = contracts.map(({ id, version }) => `${id} ${version}`).join(', ');
    if (warnings.length > 0)
      return { name: 'contracts', result: 'warning', detail: `${names}\n${warnings.join('\n')}` };
    return ok('contracts', names);
  } catch (error) {
    return failed('contracts', messageOf(error));
  }
}

/** Targets whose place nothing but their own word says. */
function hostsCheck({ targets }: Config): Check {
  const trusted = targets.flatMap(({ id, baseUrl, cloud, region }) => {
    const { hostname } = new URL(baseUrl);
    const verdict = compareHost(hostname, { cloud, region });
    if (verdict.kind === 'agrees' || isLoopback(hostname)) return [];
    const found = verdict.kind === 'differs' ? `${verdict.found} by its name, and host_check is off` : 'not known';
    return [`note: ${id} is at ${cloud} in ${region} on trust: ${hostname} is ${found}`];
  });
  return ok('hosts', trusted.length === 0 ? 'no host contradicts its target' : trusted.join('\n'));
}

export function spaceCheck(data: string, freeBytes: (folder: string) => number = freeAt): Check {
  let folder = data;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const free = freeBytes(folder);
  const detail = `${Math.floor(free / (1024 * 1024))} MiB free at ${folder}`;
  if (free < LEAST_SPACE) return failed('space', detail);
  return { name: 'space', result: free < LITTLE_SPACE ? 'warning' : 'ok', detail };
}

function freeAt(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

async function dataChecks(config: Config): Promise<readonly Check[]> {
  if (!existsSync(config.data)) return [ok('data', `${config.data} is not there yet: the first start makes it`)];
  let lock;
  try {
    lock = holdDataFolder(config.data);
  } catch (error) {
    const at = await announcedServer(config.data);
    return [failed('data', `${messageOf(error)}${at === null ? '' : `\nits server answers at ${at}`}`)];
  }
  try {
    const checks: Check[] = [ok('data', config.data)];
    for (const [i, { id }] of config.homes.entries()) checks.push(...(await homeCheck(config, id, i === 0)));
    return checks;
  } finally {
    lock.release();
  }
}

/** @param control whether it is the home that holds keys and active contracts */
async function homeCheck(config: Config, id: string, control: boolean): Promise<readonly Check[]> {
  const name = `home ${id}`;
  const { data } = config;
  if (!existsSync(join(data, `${id}.db`))) return [ok(name, 'not used yet')];
  try {
    const clock = { now: () => Date.now(), monotonic: () => performance.now() };
    const store = await openSqliteHome({ dir: data, home: id as HomeId, clock, exclusive: true });
    try {
      const damage = await store.check();
      // The chain of a damaged file cannot be read.
      if (damage.length > 0) return [failed(name, shown(damage))];
      const { sessions, events, faults } = await verifyHome(store, sha256);
      const chains =
        faults.length > 0
          ? failed(name, shown(faults))
          : ok(name, `${sessions} sessions, ${events} events, every chain holds`);
      return control ? [chains, await activeCheck(config, store), ...(await alertChecks(config, store))] : [chains];
    } finally {
      await store.close();
    }
  } catch (error) {
    return [failed(name, messageOf(error))];
  }
}

/** Whether what is configured is what is in force. */
async function activeCheck(config: Config, control: HomeStore): Promise<Check> {
  const lines = await activeDifferences(config, control, Date.now());
  if (lines === null) return ok('active', 'nothing was activated yet: the first start activates what is configured');
  if (lines.length === 0) return ok('active', 'the configured contracts are in force');
  return { name: 'active', result: 'warning', detail: lines.join('\n') };
}

/** What webhooks were not told yet, and what they never will be. None where there are no alerts. */
async function alertChecks({ alerts }: Config, control: HomeStore): Promise<readonly Check[]> {
  const { pending, abandoned } = await AlertOutbox.open(control, () => Date.now());
  if (alerts.length + pending.length + abandoned.length === 0) return [];
  const known = new Set(alerts.map(({ id }) => id));
  const line = ({ receiver, type, at }: PendingAlert): string =>
    `${type} to ${receiver}, raised ${new Date(at).toISOString()}`;
  const lines = [
    ...pending.map(one => `waits: ${line(one)}${known.has(one.receiver) ? '' : ', which is not configured any more'}`),
    ...abandoned.map(one => `given up: ${line(one)} (${one.why})`),
  ];
  if (lines.length === 0) return [ok('alerts', 'nothing waits to be delivered')];
  return [{ name: 'alerts', result: 'warning', detail: shown(lines) }];
}

function shown(findings: readonly string[]): string {
  const more = findings.length > SHOWN ? [`and ${findings.length - SHOWN} more`] : [];
  return [...findings.slice(0, SHOWN), ...more].join('\n');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
