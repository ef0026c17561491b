/** Where commands about holds work: on the data folder, if no server uses it, else through the server. */
import { holdListSchema, holdSchema, isPerdureError, keptListSchema } from '@perdure/protocol';
import { homeTag } from '../../kernel/ids.ts';
import type { HoldView } from '../../http/perdure/hold-view.ts';
import { CliError } from '../cli/exit.ts';
import type { Io } from '../cli/io.ts';
import type { ConfigFlags } from '../cli/options.ts';
import { configured } from '../configured.ts';
import { configWith } from '../discover.ts';
import { type AskedServer, workplace } from '../server-address.ts';
import { exitOf, serverOf } from '../server-requests.ts';
import { HoldBook } from './hold-book.ts';
import { makeHoldDesk } from './hold-desk.ts';

/** @param how as `workplace` has it @throws CliError in the words of whoever refused */
export async function atHoldDesk<T>(
  options: ConfigFlags,
  io: Io,
  act: (desk: HoldView) => Promise<T>,
  how: 'look' | 'make' = 'look',
): Promise<T> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const at = await workplace(config, options, io, how);
  const { folder } = at;
  try {
    if (at.folder === null) return await act(overHttp(at.server, io));
    const { control, stores, clock, ids } = at.folder;
    const id = (prefix: Parameters<typeof ids.next>[0]): string => ids.next(prefix, homeTag(control.home));
    const book = await HoldBook.open({ store: control, now: () => clock.now(), id });
    return await act(makeHoldDesk(book, stores));
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    throw new CliError(exitOf(error), error.message, { cause: error });
  } finally {
    await folder?.close();
  }
}

/** The server knows who asks by the key. */
function overHttp(server: AskedServer, io: Io): HoldView {
  const { must } = serverOf(io, { ...server, scope: 'operator' });
  const path = '/perdure/v1/holds';
  return {
    list: async () => (await must(holdListSchema, 'GET', path)).data,
    place: (_, wanted) => must(holdSchema, 'POST', path, wanted),
    lift: (_, id) => must(holdSchema, 'POST', `${path}/${encodeURIComponent(id)}/lift`),
    kept: (_, id, after, limit) => {
      const from = after === null ? '' : `&after=${encodeURIComponent(after)}`;
      return must(keptListSchema, 'GET', `${path}/${encodeURIComponent(id)}/kept?limit=${limit}${from}`);
    },
  };
}
