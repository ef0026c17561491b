/** Usage and money for commands: of a data folder that no server holds, or through the server that holds it. */
import { createPerdureClient } from '@perdure/client';
import { isErrorCode, type CommitmentsResource, toPerdureError } from '@perdure/protocol';
import { isStoreError } from '../../engine/ports.ts';
import { usagePages, type UsageSource } from '../../engine/usage.ts';
import type { HomeId, TenantId } from '../../kernel/ids.ts';
import { type Dimension, type Group, TooManyGroups } from '../../money/totals.ts';
import type { Events } from '../../money/tranches.ts';
import type { UsageRow } from '../../money/usage.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { acquireDataLock, type DataLock } from '../../store/sqlite/data-lock.ts';
import { openSqliteHome } from '../../store/sqlite/open-sqlite-home.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import type { Io } from '../cli/io.ts';
import type { Config } from '../config/config.ts';
import { serverAddress } from '../server-requests.ts';
import { snapshotOfConfig } from '../snapshots.ts';
import { booksOf } from './books.ts';
import { targetFactsOf } from './target-facts.ts';
import { type Terms, termsOf, termsSource } from './terms.ts';
import { eventDays, ratedRows, statementOf, summed, timesOf, type UsageDesk } from './usage-view.ts';
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
  readonly terms: Terms;
  close(): Promise<void>;
}

export async function openMoneyDesk(config: Config, io: Io): Promise<MoneyDesk> {
  const { contracts } = snapshotOfConfig(config);
  const terms = termsOf(contracts.map(termsSource));
  const lock = tryLock(config.data);
  return lock === null ? overHttp(config, io, terms) : inFolder(config, terms, lock);
}

async function inFolder(config: Config, terms: Terms, lock: DataLock): Promise<MoneyDesk> {
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const stores: HomeStore[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(stores.map(store => store.close()));
    lock.release();
  };
  try {
    for (const { id } of config.homes)
      stores.push(await openSqliteHome({ dir: config.data, home: id as HomeId, clock, exclusive: true }));
  } catch (error) {
    await close();
    throw error;
  }
  const source: UsageSource = { homes: stores, wait: work => work, target: targetFactsOf(config) };
  const desk: UsageDesk = {
    usage: (window, after) => usagePages(source, window, after),
    tenants: async () => [...new Set((await Promise.all(stores.map(store => store.tenants()))).flat())].toSorted(),
    balances: () => null,
    books: booksOf(config),
    terms,
    now: clock.now,
  };
  const recorded = eventDays(config.events);
  const windowOf = async (times: Times, tenant: string | null) => ({
    tenants: tenant === null ? await desk.tenants() : [tenant as TenantId],
    ...timesOf(times, clock.now()),
  });
  return {
    groups: async (times, by, tenant) => summed(desk, await windowOf(times, tenant), by),
    async *rows(times, tenant) {
      yield* ratedRows(desk, await windowOf(times, tenant));
    },
    commitments: async (to, events) =>
      statementWire(
        await statementOf(desk, timesOf(to === undefined ? {} : { to }, clock.now()).to, { ...recorded, ...events }),
      ),
    terms,
    close,
  };
}

function overHttp(config: Config, io: Io, terms: Terms): MoneyDesk {
  const baseURL = serverAddress(config, io);
  const apiKey = io.env['PERDURE_API_KEY'];
  const client = createPerdureClient({ baseURL, timeoutMs: 120_000, ...(apiKey !== undefined && { apiKey }) });
  const told = (error: unknown): CliError => {
    const { code, message } = toPerdureError(error);
    if (code === 'server_unreachable')
      return new CliError(
        EXIT.refused,
        `another Perdure process is using ${config.data}, and none answers at ${baseURL}`,
        {
          hint: 'Set PERDURE_URL to the address of that server, or stop it.',
          cause: error,
        },
      );
    const refused = code === 'missing_api_key' || code === 'invalid_api_key' || code === 'insufficient_scope';
    const hint = refused
      ? { hint: 'Set PERDURE_API_KEY to a key with the scope operator, or name a --tenant of yours.' }
      : {};
    return new CliError(refused ? EXIT.refused : EXIT.failed, message, { ...hint, cause: error });
  };
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
      try {
        return await client.commitments.get(to === undefined ? {} : { to });
      } catch (error) {
        throw told(error);
      }
    },
    terms,
    close: () => Promise.resolve(),
  };
}

/** What is wrong with a question, in words for the command line. */
export function usageProblem(error: unknown): unknown {
  if (error instanceof TooManyGroups) return new CliError(EXIT.usage, `perdure usage: ${error.message}: group by less`);
  const code: unknown = error instanceof Error && 'code' in error ? error.code : null;
  if (error instanceof Error && typeof code === 'string' && isErrorCode(code) && code === 'invalid_request')
    return new CliError(EXIT.usage, error.message, { cause: error });
  return error;
}

function tryLock(data: string): DataLock | null {
  try {
    return acquireDataLock(data);
  } catch (error) {
    if (isStoreError(error) && error.storeError === 'store_locked') return null;
    throw error;
  }
}
