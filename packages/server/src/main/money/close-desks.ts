/** Where commands that close months work: on the data folder, if no server uses it, else through the server. */
import { closedMonthListSchema, closedMonthSchema, isPerdureError, restatementAnswerSchema } from '@perdure/protocol';
import type { CloseView } from '../../http/perdure/close-view.ts';
import { homeTag } from '../../kernel/ids.ts';
import { CliError } from '../cli/exit.ts';
import type { Io } from '../cli/io.ts';
import type { ConfigFlags } from '../cli/options.ts';
import type { Config } from '../config/config.ts';
import { configured } from '../configured.ts';
import { openDataFolder } from '../data-folder.ts';
import { configWith } from '../discover.ts';
import { exitOf, serverOf } from '../server-requests.ts';
import { openCloseDesk } from './close-desk.ts';
import { basedOn, deskOf, USAGE_MS } from './usage-in-folder.ts';

/** @throws CliError in the words of whoever refused */
export async function atCloseDesk<T>(options: ConfigFlags, io: Io, act: (desk: CloseView) => Promise<T>): Promise<T> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const folder = await openDataFolder(config);
  try {
    if (folder === null) return await act(overHttp(config, io));
    const { control, clock, ids } = folder;
    const { terms, contracts } = await basedOn(config);
    const desk = await openCloseDesk({
      data: config.data,
      control,
      id: prefix => ids.next(prefix, homeTag(control.home)),
      money: { ...deskOf(config, folder, terms), now: () => clock.now() },
      contracts: () => contracts,
      report: (what, error) => io.err(`${what}: ${error instanceof Error ? error.message : String(error)}\n`),
    });
    return await act(desk);
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    throw new CliError(exitOf(error), error.message, { cause: error });
  } finally {
    await folder?.close();
  }
}

/** The server knows who asks by the key. */
function overHttp(config: Config, io: Io): CloseView {
  const { must } = serverOf(config, io, { scope: 'operator', held: true, timeoutMs: USAGE_MS });
  const path = '/perdure/v1/usage/closes';
  return {
    list: async () => (await must(closedMonthListSchema, 'GET', path)).data,
    close: (_, month) => must(closedMonthSchema, 'POST', path, { month }),
    restate: (_, month, reason) =>
      must(restatementAnswerSchema, 'POST', `${path}/${encodeURIComponent(month)}/restate`, { reason }),
  };
}
