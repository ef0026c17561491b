/** Without a configuration file: what this machine and its environment offer, else three emulated clouds. */
import type { Config } from './config/config.ts';
import type { Environment } from './config/interpolate.ts';
import { normalise } from './config/normalise.ts';
import type { FileTarget } from './config/file-form.ts';
import { contractFolder } from './contracts.ts';
import { EMULATED_CLOUDS, emulatedTargets } from './discover/emulated-targets.ts';
import { fromEnvironment } from './discover/environment.ts';
import { fromLocalServers, type LocalServer } from './discover/local-servers.ts';
import { type EmulatedClouds, startEmulatedClouds } from './emulated.ts';

export interface Discovered {
  readonly config: Config;
  /** What was found, one line each. */
  readonly notes: readonly string[];
  /** Runs beside the server; whoever discovered it closes it. */
  readonly emulated: EmulatedClouds | null;
}

export interface DiscoverOptions {
  readonly env: Environment;
  /** What `./data` is relative to. */
  readonly cwd: string;
  /** Start the emulated clouds whatever there is. */
  readonly emulated?: boolean;
  /** Default: where such servers listen by default. */
  readonly localServers?: readonly LocalServer[];
  /** Told if the emulated clouds end by themselves. */
  readonly onEmulatedEnd?: (why: string) => void;
}

export async function discover(options: DiscoverOptions): Promise<Discovered> {
  if (options.emulated !== true) {
    const found = [fromEnvironment(options.env), await fromLocalServers(options.localServers)];
    const targets = found.flatMap(one => one.targets);
    const notes = found.flatMap(one => one.notes);
    if (targets.length > 0) return { config: configWith(uniqueIds(targets), options.cwd), notes, emulated: null };
    return await withEmulated(options, notes);
  }
  return await withEmulated(options, []);
}

async function withEmulated(options: DiscoverOptions, notes: readonly string[]): Promise<Discovered> {
  const emulated = await startEmulatedClouds(EMULATED_CLOUDS, options.onEmulatedEnd ?? (() => undefined));
  const said = `${options.emulated === true ? 'as asked' : 'no model provider was found'}: started three EMULATED clouds (${EMULATED_CLOUDS.join(', ')}). They are no models; their answers are made up.`;
  return { config: configWith(emulatedTargets(emulated.clouds), options.cwd), notes: [...notes, said], emulated };
}

/** The defaults of everything, with these targets. */
export function configWith(targets: readonly FileTarget[], cwd: string): Config {
  return normalise({ targets }, { base: cwd, contracts: [contractFolder('none', cwd)] });
}

/** Two names that shorten to one id: the second gets a number. */
function uniqueIds(targets: readonly FileTarget[]): readonly FileTarget[] {
  const seen = new Set<string>();
  return targets.map(target => {
    let id = target.id;
    for (let n = 2; seen.has(id); n++) id = `${target.id}-${n}`;
    seen.add(id);
    return id === target.id ? target : { ...target, id };
  });
}
