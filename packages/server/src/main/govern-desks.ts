/** Where commands about contracts in force work: on the data folder, if no server uses it, else through the server. */
import {
  type AuditQuery,
  activationAnswerSchema,
  activationListSchema,
  activationSchema,
  auditPageSchema,
  contractEventAnswerSchema,
  contractEventListSchema,
  contractListSchema,
  contractTextsSchema,
  contractEventSchema,
  isPerdureError,
  rightListSchema,
  rightSchema,
  settingsListSchema,
  settingsSchema,
  strandedSchema,
  waiverAnswerSchema,
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

/**
 * @param how as `workplace` has it
 * @param scope what a key must have, for the hint
 * @throws CliError in the words of whoever refused
 */
export async function atGovernDesk<T>(
  options: ConfigFlags,
  io: Io,
  act: (desk: GovernView, config: Config) => Promise<T>,
  { how = 'look', scope = 'operator' }: { readonly how?: 'look' | 'make'; readonly scope?: string } = {},
): Promise<T> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const at = await workplace(config, options, io, how);
  const { desk, close } =
    at.folder === null
      ? { desk: overHttp(at.server, io, scope), close: async () => undefined }
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
    const { desk } = await openGoverned(config, { control, stores, clock, ids, how: 'look', sealed: true });
    return { desk, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The server knows who asks by the key: the viewer that is given counts for nothing. */
function overHttp(server: AskedServer, io: Io, scope: string): GovernView {
  const { must } = serverOf(io, { ...server, scope });
  const at = (path: string, id: string, verb: string): string =>
    `/perdure/v1/${path}/${encodeURIComponent(id)}/${verb}`;
  const activation = 'contracts/activations';
  return {
    contracts: async () => (await must(contractListSchema, 'GET', '/perdure/v1/contracts')).data,
    contract: digest => must(contractTextsSchema, 'GET', `/perdure/v1/contracts/${encodeURIComponent(digest)}`),
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
    grantWaiver: (_, wanted) => must(waiverAnswerSchema, 'POST', '/perdure/v1/waivers', wanted),
    decideWaiver: (_, id, how) => must(waiverSchema, 'POST', at('waivers', id, how)),
    events: async () => (await must(contractEventListSchema, 'GET', '/perdure/v1/events')).data,
    recordEvent: (_, wanted) => must(contractEventAnswerSchema, 'POST', '/perdure/v1/events', wanted),
    decideEvent: (_, id, how) => must(contractEventSchema, 'POST', at('events', id, how)),
    settings: async () => (await must(settingsListSchema, 'GET', '/perdure/v1/contracts/settings')).data,
    decideSettings: (_, id, how) => must(settingsSchema, 'POST', at('contracts/settings', id, how)),
    rights: async () => (await must(rightListSchema, 'GET', '/perdure/v1/rights')).data,
    offerRight: (_, right, wanted) => must(rightSchema, 'POST', at('rights', right, 'offer'), wanted),
    answerRight: (_, right, how, wanted) => must(rightSchema, 'POST', at('rights', right, how), wanted),
    decideRight: (_, right, how) => must(rightSchema, 'POST', at('rights', right, how)),
    audit: (_, query) => must(auditPageSchema, 'GET', `/perdure/v1/audit?${queryText(query)}`),
  };
}

function queryText(query: AuditQuery): string {
  return new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
}
