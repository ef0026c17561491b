/** Usage and money for commands: of a data folder that no server holds, or through the server that holds it. */
import { isErrorCode, type CommitmentsResource } from '@perdure/protocol';
import { usagePages, type UsageSource } from '../../engine/usage.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { type Dimension, type Group, TooManyGroups } from '../../money/totals.ts';
import type { Events } from '../../money/tranches.ts';
import type { UsageRow } from '../../money/usage.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { Io } from '../cli/io.ts';
import type { ConfigFlags } from '../cli/options.ts';
import type { Config } from '../config/config.ts';
import type { DataFolder } from '../data-folder.ts';
import { type AskedServer, workplace } from '../server-address.ts';
import { serverOf } from '../server-requests.ts';
import { type Basis, basisOf, controlFile, statementBasis } from '../basis.ts';
import { snapshotOfDocument } from '../snapshots.ts';
import { booksOf } from './books.ts';
import { closedBook } from './closes.ts';
import { targetFactsOf } from './target-facts.ts';
import { type Terms, termsOf, type TermsSource, termsSource } from './terms.ts';
import { ratedRows } from './rated.ts';
import { eventDays, statementOf, summed, timesOf, type UsageDesk } from './usage-view.ts';
import { groupBack, rowBack, statementWire } from './wire.ts';

/** Days or moments, in UTC; `to` exclusive. */
export interface Times {
  readonly from?: string;
  readonly to?: string;
}

export interface MoneyDesk {
  /** @param tenant null: all */
  groups(times: Times, by: readonly Dimension[], tenant: string | null): Promise<readonly Group[]>;
  rows(times: Times, tenant: string | null): AsyncIterable<UsageRow>;
  commitments(asOf: string | undefined, events: Events): Promise<CommitmentsResource>;
  /** Of the contracts in force, as the server of the folder goes by them; of the configuration, where nothing was activated. */
  based(): Promise<Based>;
  /** Where the contracts of a statement are in force: `in FILE`, `at URL`. */
  readonly where: string;
  close(): Promise<void>;
}

export interface Based {
  readonly terms: Terms;
  readonly contracts: readonly TermsSource[];
  readonly events: Events;
  readonly basis: Basis;
}

/** Read beside whoever holds the folder. @throws ContractsError, ContractFolderError, StoreError */
export async function basedOn(config: Config): Promise<Based> {
  const basis = await basisOf(config, config.asOf?.ms ?? Date.now());
  const contracts = snapshotOfDocument(basis.document).contracts.map(termsSource);
  return { terms: termsOf(contracts), contracts, events: eventDays(basis.document.events ?? []), basis };
}

export async function openMoneyDesk(config: Config, flags: ConfigFlags, io: Io): Promise<MoneyDesk> {
  const at = await workplace(config, flags, io, 'look');
  return at.folder === null ? overHttp(at.server, config, io) : inFolder(config, at.folder);
}

/** The calls of a data folder. @param terms that statements are made of */
export function deskOf(config: Config, { stores, clock }: DataFolder, terms: Terms): UsageDesk {
  const source: UsageSource = { homes: stores, wait: work => work, target: targetFactsOf(config) };
  return {
    usage: (window, after) => usagePages(source, window, after),
    tenants: async () => [...new Set((await Promise.all(stores.map(store => store.tenants()))).flat())].toSorted(),
    balances: () => null,
    books: booksOf(config),
    closed: closedBook(config.data),
    terms,
    now: () => clock.now(),
  };
}

function inFolder(config: Config, folder: DataFolder): MoneyDesk {
  const { clock, close } = folder;
  const desk = deskOf(config, folder, termsOf([]));
  const windowOf = async (times: Times, tenant: string | null) => ({
    tenants: tenant === null ? await desk.tenants() : [tenant as TenantId],
    ...timesOf(times, clock.now()),
  });
  return {
    groups: async (times, by, tenant) => summed(desk, await windowOf(times, tenant), by),
    async *rows(times, tenant) {
      yield* ratedRows(desk, await windowOf(times, tenant));
    },
    async commitments(to, events) {
      const { terms, events: recorded, basis } = await basedOn(config);
      const asOf = timesOf(to === undefined ? {} : { to }, clock.now()).to;
      const statement = await statementOf({ ...desk, terms }, asOf, { ...recorded, ...events });
      return { ...statementWire(statement), basis: statementBasis(basis) };
    },
    based: () => basedOn(config),
    where: `in ${controlFile(config)}`,
    close,
  };
}

/** Sums over long windows read much: ms for one page of them. */
export const USAGE_MS = 120_000;

function overHttp(server: AskedServer, config: Config, io: Io): MoneyDesk {
  const { base, client, told, telling } = serverOf(io, {
    ...server,
    scope: 'operator (or name a --tenant of yours)',
    timeoutMs: USAGE_MS,
  });
  return {
    async groups(times, by, tenant) {
      try {
        const groups: Group[] = [];
        for await (const group of client.usage.groups(by, { ...times, tenant: tenant ?? '*' }))
          groups.push(groupBack(group));
        return groups;
      } catch (error) {
        throw told(error);
      }
    },
    async *rows(times, tenant) {
      try {
        for await (const call of client.usage.calls({ ...times, tenant: tenant ?? '*' })) yield rowBack(call);
      } catch (error) {
        throw told(error);
      }
    },
    async commitments(to, events) {
      if (Object.keys(events).length > 0)
        throw new CliError(EXIT.usage, '--event is for a data folder that no server uses', {});
      return telling(client.commitments.get(to === undefined ? {} : { to }));
    },
    based: () => basedOn(config),
    where: `at ${base}`,
    close: () => Promise.resolve(),
  };
}

/** What is wrong with a question, in words for the command line. */
export function usageProblem(error: unknown): unknown {
  if (error instanceof TooManyGroups) return new CliError(EXIT.usage, `perdure usage: ${error.message}: group by less`);
  const code: unknown = error instanceof Error && 'code' in error ? error.code : null;
  if (error instanceof Error && typeof code === 'string' && isErrorCode(code) && code === 'invalid_request')
    return new CliError(EXIT.usage, error.message.replace("'group_by'", '--by'), { cause: error });
  return error;
}
