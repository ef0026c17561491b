/** Where commands that close months work: on the data folder, if no server uses it, else through the server. */
import { closedMonthListSchema, closedMonthSchema, isPerdureError, restatementAnswerSchema } from '@perdure/protocol';
import type { CloseView } from '../../http/perdure/close-view.ts';
import { homeTag } from '../../kernel/ids.ts';
import { CliError } from '../cli/exit.ts';
import type { Io } from '../cli/io.ts';
import type { ConfigFlags } from '../cli/options.ts';
import { configured } from '../configured.ts';
import { configWith } from '../discover.ts';
import { type AskedServer, workplace } from '../server-address.ts';
import { exitOf, serverOf } from '../server-requests.ts';
import { openCloseDesk } from './close-desk.ts';
import { basedOn, deskOf, USAGE_MS } from './usage-in-folder.ts';

/** @throws CliError in the words of whoever refused */
export async function atCloseDesk<T>(options: ConfigFlags, io: Io, act: (desk: CloseView) => Promise<T>): Promise<T> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const at = await workplace(config, options, io, 'look');
  const { folder } = at;
  try {
    if (at.folder === null) return await act(overHttp(at.server, io));
    const { control, clock, ids } = at.folder;
    const { terms, contracts } = await basedOn(config);
    const desk = await openCloseDesk({
      data: config.data,
      control,
      id: prefix => ids.next(prefix, homeTag(control.home)),
      money: { ...deskOf(config, at.folder, terms), now: () => clock.now() },
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
function overHttp(server: AskedServer, io: Io): CloseView {
  const { must } = serverOf(io, { ...server, scope: 'operator', timeoutMs: USAGE_MS });
  const path = '/perdure/v1/usage/closes';
  return {
    list: async () => (await must(closedMonthListSchema, 'GET', path)).data,
    close: (_, month) => must(closedMonthSchema, 'POST', path, { month }),
    restate: (_, month, reason) =>
      must(restatementAnswerSchema, 'POST', `${path}/${encodeURIComponent(month)}/restate`, { reason }),
  };
}
