/** What is supposed, laid over what a placement was decided on: other contracts, another reading, events that have not happened. */
import { createHash } from 'node:crypto';
import type { Contract } from '../../contract/contract.ts';
import { booksByTime, type ClosedMonths, NONE_CLOSED } from '../../money/closing.ts';
import type { Books } from '../../money/prices.ts';
import type { Supposition } from '../../placement/replay.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import { readContractFolder } from '../contracts.ts';
import { type Terms, type TermsSource, termsOf, termsSource } from '../money/terms.ts';
import {
  ContractsError,
  type LoadedSnapshot,
  parseDocument,
  snapshotOfDocument,
  type SnapshotDocument,
} from '../snapshots.ts';

import { costByBooks, revenueByBooks } from './cost.ts';
import { SupposedReading } from './supposed-reading.ts';

export interface SupposedEvent {
  readonly id: string;
  /** A day, UTC. */
  readonly date: string;
}

export interface Suppose {
  /** Folders. Null: the contracts that each placement was decided on. */
  readonly contracts: readonly string[] | null;
  /** Null: the reading that each session started under, or the default of supposed contracts. */
  readonly reading: string | null;
  readonly events: readonly SupposedEvent[];
}

/** Suppositions by the version that placements name. */
export interface Suppositions {
  /** Of what does not stand in a question as such: the texts of the supposed contracts, prices, rate cards. */
  readonly digests: { readonly contracts: string; readonly prices: string; readonly rates: string };
  /** Null if what those placements saw is not kept. */
  of(version: string): Promise<Supposition | null>;
  /** The readings that were in force where placements were decided, and those that are supposed. */
  readings(): { readonly recorded: readonly string[]; readonly supposed: readonly string[] };
  /** Of the contracts on either side: of one that was seen in several texts, the last. */
  terms(): SidesOfTerms;
  /** The versions that were asked for and are kept. */
  versions(): readonly string[];
  /** The citations of clauses, `contract/clause`, of either side. */
  cites(supposition: Supposition): SidesOfCites;
  /** @throws CliError if the supposed reading is one of no contract that was seen so far */
  mustHaveRead(): void;
}

export interface SidesOfTerms {
  readonly recorded: Terms;
  readonly supposed: Terms;
}

export interface SidesOfCites {
  readonly recorded: ReadonlyMap<string, string>;
  readonly supposed: ReadonlyMap<string, string>;
}

const NO_CITES: SidesOfCites = { recorded: new Map(), supposed: new Map() };

/** Snapshots that are kept; a deployment has one for each change of its contracts or targets. */
const KEPT = 16;

/**
 * @param today price books and rate cards, @param closed months that keep their own
 * @throws CliError if contracts or reading cannot be used
 */
export function makeSuppositions(
  suppose: Suppose,
  document: (version: string) => Promise<string | null>,
  today: Books,
  closed: ClosedMonths = NONE_CLOSED,
): Suppositions {
  const books = booksByTime(closed, today);
  const costOf = costByBooks(books);
  const revenue = revenueByBooks(books);
  const known = new Map<string, Supposition | null>();
  const seen = { recorded: new Set<string>(), supposed: new Set<string>() };
  const termed = { recorded: new Map<string, TermsSource>(), supposed: new Map<string, TermsSource>() };
  const versions = new Set<string>();
  const supposedReading = new SupposedReading(suppose.reading);
  const cites = new WeakMap<Supposition, SidesOfCites>();
  const contracts = suppose.contracts?.map(readContractFolder) ?? null;

  async function load(version: string): Promise<Supposition | null> {
    const text = await document(version);
    if (text === null) return null;
    const base = parseDocument(text);
    versions.add(version);
    const { snapshot: recorded, contracts: before } = snapshotOfDocument(base, true);
    const lacking = supposedReading.staysOn(before);
    // Supposed contracts are the same for all: without the reading they cannot be used.
    const stays = contracts === null && lacking;
    const { snapshot: supposed, contracts: after } = stays
      ? { snapshot: recorded, contracts: before }
      : suppositionOn(base, contracts, suppose);
    for (const contract of before) termed.recorded.set(contract.id, termsSource(contract));
    for (const contract of after) termed.supposed.set(contract.id, termsSource(contract));
    for (const [into, readings] of [
      [seen.recorded, recorded.readings],
      [seen.supposed, supposed.readings],
    ] as const)
      for (const [contract, reading] of Object.entries(readings)) into.add(`${contract}: ${reading}`);
    const readings = suppose.reading === null || stays ? 'session' : 'snapshot';
    const made = { recorded, supposed, readings, cost: costOf(recorded), revenue, ...(stays && { stays }) } as const;
    cites.set(made, { recorded: citesOf(before), supposed: citesOf(after) });
    return made;
  }

  return {
    digests: {
      contracts: digestOf(contracts),
      prices: digestOf(told(today, closed, ({ costs }) => costs)),
      rates: digestOf(told(today, closed, ({ rates }) => rates)),
    },
    cites: supposition => cites.get(supposition) ?? NO_CITES,
    async of(version) {
      let found = known.get(version);
      if (found === undefined) {
        found = await load(version);
        if (known.size >= KEPT) known.clear();
        known.set(version, found);
      }
      return found;
    },
    readings: () => ({ recorded: [...seen.recorded].toSorted(), supposed: [...seen.supposed].toSorted() }),
    terms: () => ({
      recorded: termsOf([...termed.recorded.values()]),
      supposed: termsOf([...termed.supposed.values()]),
    }),
    versions: () => [...versions].toSorted(),
    mustHaveRead() {
      const problem = contracts === null ? supposedReading.problem() : null;
      if (problem === null) return;
      const { message, near } = problem;
      throw new CliError(
        EXIT.usage,
        `perdure whatif: --reading ${suppose.reading ?? ''}: ${message}`,
        near === null ? {} : { hint: `Did you mean ${near}?` },
      );
    },
  };
}

function citesOf(contracts: readonly Contract[]): ReadonlyMap<string, string> {
  return new Map(contracts.flatMap(({ clauses }) => clauses.map(one => [`${one.contract}/${one.clause}`, one.cite])));
}

/** What calls are rated by, those of closed months too. */
function told(today: Books, closed: ClosedMonths, part: (books: Books) => unknown): readonly unknown[] {
  const months = [...closed.values()].map(({ period, books, restatements }) => [
    period,
    part(books),
    restatements.map(one => part(one.books)),
  ]);
  return [part(today), ...months];
}

/** Whole numbers of any size too; price books by their targets, in whatever order these are configured. */
function digestOf(value: object | null): string {
  const text = (_: string, one: unknown): unknown => {
    if (typeof one === 'bigint') return `${one}n`;
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  };
  return createHash('sha256').update(JSON.stringify(value, text)).digest('hex');
}

function suppositionOn(
  base: SnapshotDocument,
  contracts: SnapshotDocument['contracts'] | null,
  { reading, events, contracts: folders }: Suppose,
): LoadedSnapshot {
  const changed: SnapshotDocument = {
    ...base,
    contracts: contracts ?? base.contracts,
    reading: reading ?? (folders === null ? base.reading : null),
  };
  try {
    return snapshotOfDocument(withEvents(changed, events), true);
  } catch (error) {
    if (error instanceof ContractsError) throw new CliError(EXIT.usage, `perdure whatif: ${error.message}`);
    throw error;
  }
}

/** Supposed events take the place of recorded ones of the same name. */
function withEvents(document: SnapshotDocument, events: readonly SupposedEvent[]): SnapshotDocument {
  if (events.length === 0) return document;
  const supposed = events.map(({ id, date }) => ({ id, date, source: 'supposed' }));
  const names = new Set(events.map(({ id }) => id));
  const kept = (document.events ?? []).filter(one => !names.has(one.id));
  return { ...document, events: [...kept, ...supposed] };
}
