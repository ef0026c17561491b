/** What `perdure doctor` says of the isolation of commands. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from './config/config.ts';
import type { Check } from './doctor.ts';
import { makeWorkspaces } from './workspaces.ts';

/** Runs one command, in a folder of its own: the server may run, and its data folder is not to be made by a look. */
export async function isolationCheck(config: Pick<Config, 'data' | 'workspaces' | 'egress'>): Promise<Check> {
  const name = 'isolation';
  const folder = await mkdtemp(join(tmpdir(), 'perdure-doctor-'));
  const desk = makeWorkspaces({ ...config, workspaces: { ...config.workspaces, folder } });
  try {
    const { isolation, why } = await desk.state();
    if (isolation === 'bubblewrap') return { name, result: 'ok', detail: 'commands run in bubblewrap' };
    if (isolation === 'unavailable')
      return { name, result: 'failed', detail: `workspaces.isolation is required, and no command can be run: ${why}` };
    const chosen = config.workspaces.isolation === 'none';
    return {
      name,
      result: chosen ? 'ok' : 'warning',
      detail: `commands run in just-bash, an interpreter, without programs of this machine: ${why}`,
    };
  } finally {
    await desk.close();
    await rm(folder, { recursive: true, force: true });
  }
}
