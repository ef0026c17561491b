/** Where commands about contracts in force work: on the data folder, if no server uses it, else through the server. */
import {
  activationAnswerSchema,
  activationListSchema,
  activationSchema,
  auditListSchema,
  contractEventListSchema,
  contractEventSchema,
  isPerdureError,
  rightListSchema,
  rightSchema,
  settingsListSchema,
  settingsSchema,
  strandedSchema,
  waiverListSchema,
  waiverSchema,
} from '@perdure/protocol';
import type { GovernView, Viewer } from '../http/perdure/govern-view.ts';
import { CliError } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import type { Config } from './config/config.ts';
import { configured } from './configured.ts';
import type { DataFolder } from './data-folder.ts';
import { configWith } from './discover.ts';
import { openGoverned } from './govern/open.ts';
import { LOCAL_CALLER } from './keys.ts';
import { type AskedServer, workplace } from './server-address.ts';
import { exitOf, serverOf } from './server-requests.ts';

/** Who has the data folder may do everything, and is one person: `local`. */
export const LOCAL: Viewer = { principal: LOCAL_CALLER.principal, tenant: LOCAL_CALLER.tenant, all: true };

interface Opened {
  readonly desk: GovernView;
  readonly close: () => Promise<void>;
}

/** @param how as `workplace` has it @throws CliError in the words of whoever refused */
export async function atGovernDesk<T>(
  options: ConfigFlags,
  io: Io,
  act: (desk: GovernView, config: Config) => Promise<T>,
  how: 'look' | 'make' = 'look',
): Promise<T> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const at = await workplace(config, options, io, how);
  const { desk, close } =
    at.folder === null
      ? { desk: overHttp(at.server, io), close: async () => undefined }
      : await inFolder(config, at.folder);
  try {
    return await act(desk, config);
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    throw new CliError(exitOf(error), error.message, { cause: error });
  } finally {
    await close();
  }
}

/** The folder is closed if this fails. */
async function inFolder(config: Config, folder: DataFolder): Promise<Opened> {
  const { control, stores, clock, ids, close } = folder;
  try {
    const { desk } = await openGoverned(config, { control, stores, clock, ids, how: 'look' });
    return { desk, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The server knows who asks by the key: the viewer that is given counts for nothing. */
function overHttp(server: AskedServer, io: Io): GovernView {
  const { must } = serverOf(io, { ...server, scope: 'operator' });
  const at = (path: string, id: string, verb: string): string =>
    `/perdure/v1/${path}/${encodeURIComponent(id)}/${verb}`;
  const activation = 'contracts/activations';
  return {
    activations: async () => (await must(activationListSchema, 'GET', `/perdure/v1/${activation}`)).data,
    activate: (_, wanted) => must(activationAnswerSchema, 'POST', `/perdure/v1/${activation}`, wanted),
    approveActivation: (_, id) => must(activationAnswerSchema, 'POST', at(activation, id, 'approve')),
    rejectActivation: (_, id) => must(activationSchema, 'POST', at(activation, id, 'reject')),
    withdrawActivation: (_, id) => must(activationSchema, 'POST', at(activation, id, 'withdraw')),
    stranded: (_, after) =>
      must(
        strandedSchema,
        'GET',
        `/perdure/v1/contracts/stranded${after === null ? '' : `?after=${encodeURIComponent(after)}`}`,
      ),
    waivers: async () => (await must(waiverListSchema, 'GET', '/perdure/v1/waivers')).data,
    grantWaiver: (_, wanted) => must(waiverSchema, 'POST', '/perdure/v1/waivers', wanted),
    decideWaiver: (_, id, how) => must(waiverSchema, 'POST', at('waivers', id, how)),
    events: async () => (await must(contractEventListSchema, 'GET', '/perdure/v1/events')).data,
    recordEvent: (_, wanted) => must(contractEventSchema, 'POST', '/perdure/v1/events', wanted),
    decideEvent: (_, id, how) => must(contractEventSchema, 'POST', at('events', id, how)),
    settings: async () => (await must(settingsListSchema, 'GET', '/perdure/v1/contracts/settings')).data,
    decideSettings: (_, id, how) => must(settingsSchema, 'POST', at('contracts/settings', id, how)),
    rights: async () => (await must(rightListSchema, 'GET', '/perdure/v1/rights')).data,
    offerRight: (_, right, wanted) => must(rightSchema, 'POST', at('rights', right, 'offer'), wanted),
    answerRight: (_, right, how, wanted) => must(rightSchema, 'POST', at('rights', right, how), wanted),
    decideRight: (_, right, how) => must(rightSchema, 'POST', at('rights', right, how)),
    audit: async (_, after, limit) => {
      const page = await must(auditListSchema, 'GET', `/perdure/v1/audit?after=${after}&limit=${limit}`);
      return { rows: page.data, hasMore: page.has_more };
    },
  };
}
