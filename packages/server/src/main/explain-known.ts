/**
 * What is known beside a call that nobody makes: what its tenant has spent, and how the targets do. The server of the data folder is asked, if it runs; else the log of the folder says what was spent, and of health nothing is known.
 */
import { type DecisionFacts, decisionFactsSchema, isPerdureError } from '@perdure/protocol';
import type { HomeId, TenantId } from '../kernel/ids.ts';
import type { PlaceHealth, Spend } from '../placement/facts.ts';
import { openSqliteReader } from '../store/sqlite/open-sqlite-reader.ts';
import type { Io } from './cli/io.ts';
import type { Config } from './config/config.ts';
import type { KnownNow } from './explain.ts';
import { booksOf, spendPricesOf } from './money/books.ts';
import { closedBook } from './money/closes.ts';
import { targetFactsOf } from './money/target-facts.ts';
import { spendOfTenant } from './money/tenant-spend.ts';
import { namedServer, serverAddress } from './server-address.ts';
import { serverOf } from './server-requests.ts';

export interface KnownWith extends KnownNow {
  /** One line each: where it is from, or why it is not known. */
  readonly said: readonly string[];
}

export interface WantedKnown {
  readonly tenant: string;
  /** Of `--spend`; it goes before what was spent. */
  readonly spend: Spend | null;
  /** Whether a clause asks for spend: else nobody looks. */
  readonly asked: boolean;
  /** What is in force in the folder: a server that goes by another activation is another's. Null: nothing was activated there. */
  readonly activation: string | null;
}

/** How long a server may take to say what it knows, ms. */
const SERVER_MS = 5000;

export async function knownBeside(config: Config, io: Io, wanted: WantedKnown): Promise<KnownWith> {
  const { facts, why, url } = await askServer(config, io, wanted);
  const health = facts === null ? null : healthOf(facts);
  const spend = await spendOf(config, wanted, facts, url);
  return {
    spend: spend.amount,
    health,
    shadow: facts === null ? null : facts.shadow_ppm,
    said: [
      ...(spend.said === null ? [] : [spend.said]),
      health === null
        ? `health is not known (${why}): every target is taken to be up`
        : `health: as the server at ${url} sees it`,
      ...(facts?.shadow_ppm === null
        ? ['shadow prices are not known (the server tells them to keys that see every tenant)']
        : []),
    ],
  };
}

interface AskedServer {
  readonly facts: DecisionFacts | null;
  readonly why: string;
  readonly url: string;
}

/** A server that never used the folder is asked only if its address was named: whatever else listens there is none of ours. */
async function askServer(config: Config, io: Io, { tenant, activation }: WantedKnown): Promise<AskedServer> {
  if (namedServer(io) === null && activation === null)
    return { facts: null, why: 'no server ever used the data folder', url: '' };
  const asking = {
    base: await serverAddress(config, io),
    data: config.data,
    scope: 'read, auditor or operator',
    held: true,
  };
  const { base, request } = serverOf(io, { ...asking, timeoutMs: SERVER_MS });
  const none = (why: string): AskedServer => ({ facts: null, why, url: base });
  try {
    const path = `/perdure/v1/explain?tenant=${encodeURIComponent(tenant)}`;
    const facts = await request(decisionFactsSchema, 'GET', path);
    if (activation !== null && facts.activation !== activation)
      return none(`the server at ${base} goes by other contracts than the folder`);
    return { facts, why: '', url: base };
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    if (error.code === 'server_unreachable') return none(`nobody answers at ${base}`);
    const hint = error.status === 401 || error.status === 403 ? '; see PERDURE_API_KEY' : '';
    return none(`the server at ${base} does not tell: ${error.message.replace(/\.$/, '')}${hint}`);
  }
}

function healthOf({ health }: DecisionFacts): { readonly [target: string]: PlaceHealth } {
  return Object.fromEntries(
    Object.entries(health).map(([id, one]) => [
      id,
      {
        state: one.state,
        // Whether it is full is told by its state too.
        inFlight: one.in_flight ?? 0,
        expectedLatencyMs: one.expected_latency_ms,
        ...(one.retry_after_ms !== null && { retryAfterMs: one.retry_after_ms }),
      },
    ]),
  );
}

interface SpendKnown {
  readonly amount: Spend | null;
  /** Null: no clause asks for it. */
  readonly said: string | null;
}

async function spendOf(
  config: Config,
  { tenant, spend, asked }: WantedKnown,
  facts: DecisionFacts | null,
  url: string,
): Promise<SpendKnown> {
  if (spend !== null) return { amount: spend, said: `spend of ${tenant}: ${amounts(spend)} (as --spend says)` };
  if (!asked) return { amount: null, said: null };
  if (facts?.spend != null)
    return {
      amount: facts.spend,
      said: `spend of ${tenant}: ${amounts(facts.spend)} (the server at ${url} counts it)`,
    };
  const counted = await inFolder(config, tenant);
  return counted === null
    ? {
        amount: null,
        said: `spend of ${tenant}: not known, and a clause that asks denies (there is no data at ${config.data}; see --spend)`,
      }
    : { amount: counted, said: `spend of ${tenant}: ${amounts(counted)} (by the log in ${config.data})` };
}

/** Null if no home has a file. */
async function inFolder(config: Config, tenant: string): Promise<Spend | null> {
  const found = await Promise.all(
    config.homes.map(home => openSqliteReader(config.data, home.id as HomeId, Date.now())),
  );
  const homes = found.filter(home => home !== null);
  if (homes.length === 0) return null;
  try {
    const source = { homes, wait: <T>(work: Promise<T>) => work, target: targetFactsOf(config) };
    const prices = spendPricesOf(booksOf(config), closedBook(config.data));
    return await spendOfTenant(source, tenant as TenantId, prices, Date.now());
  } finally {
    await Promise.all(homes.map(home => home.close()));
  }
}

function amounts({ month, total }: Spend): string {
  const dollars = (micro: number): string => `$${(micro / 1_000_000).toFixed(6)}`;
  return `${dollars(month)} this month, ${dollars(total)} in all`;
}
