/**
 * Closed billing months, as files in the data folder that are made once and never changed: `usage-closed/2026-03.json` is a close,
 * `usage-closed/2026-03.restated-1.json` its first restatement. Each keeps what the month was rated by, so that it comes out the same
 * whatever is configured later.
 *
 * Form 2 keeps price books and money terms. Form 1, which earlier versions wrote, kept price books alone: such a month goes by the terms that
 * hold when it is looked at, and from its first restatement on by those of that.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { perdureError } from '@perdure/protocol';
import * as z from 'zod';
import { moneyKeys, type MoneyTerms } from '../../contract/money-terms.ts';
import type { ClosedMonth, OpeningBases, Rating, Restatement } from '../../money/closing.ts';
import type { Books, TokenPrices } from '../../money/prices.ts';
import { writeWholeOnce } from '../../store/blobs/whole-file.ts';
import { type TermsSource, termsOf } from './terms.ts';

/** Restatements of one month. */
export const RESTATEMENTS_MOST = 100;

/** Who did it and when: of a form that kept it. */
export interface Done {
  readonly id: string;
  /** A key's id, or `local`. */
  readonly by: string;
}

export interface KeptRestatement extends Restatement, Done {
  readonly restatedAt: string;
  readonly reason: string;
}

export interface KeptMonth extends ClosedMonth {
  readonly closedAt: string;
  /** Null in form 1. */
  readonly done: Done | null;
  readonly restatements: readonly KeptRestatement[];
}

export type KeptMonths = ReadonlyMap<string, KeptMonth>;

/** What a month is rated by, as a file keeps it: terms as contracts write them. */
export interface NewRating {
  readonly books: Books;
  readonly contracts: readonly TermsSource[];
  readonly opening: OpeningBases;
}

export interface NewClose extends NewRating, Done {
  readonly period: string;
  readonly cutoff: number;
  readonly closedAt: string;
}

export interface NewRestatement extends NewRating, Done {
  readonly period: string;
  readonly number: number;
  readonly billedIn: string;
  readonly restatedAt: string;
  readonly reason: string;
}

// Files of earlier versions knew no price of writing to a cache: it was that of input.
const prices: z.ZodType<TokenPrices> = z
  .object({ input: z.int(), cached: z.int(), written: z.int().optional(), output: z.int(), reasoning: z.int() })
  .transform(read => ({ ...read, written: read.written ?? read.input }));
const from = z.int().nullable();
const word = z.string().nullable();
const period = z.string().regex(/^\d{4}-\d{2}$/);
const books = z.object({
  currency: z.string(),
  costs: z.record(z.string(), z.array(z.object({ from, prices }))),
  rates: z.array(z.object({ from, prices, product: word, channel: word, model: word })),
});
// What else a contract says stays as it is: the terms that are made of it may ask for it.
const contract = z.looseObject({
  id: z.string(),
  effective: z.object({ from, to: from }),
  supersedes: z.array(z.string()).default([]),
  money: z.looseObject({ commitments: moneyKeys.commitments, shares: moneyKeys.shares }),
});
const rated = {
  books,
  contracts: z.array(contract),
  opening: z.record(
    z.string(),
    z.record(
      z.string(),
      z
        .string()
        .regex(/^-?\d+$/)
        .transform(BigInt),
    ),
  ),
};
const done = { id: z.string(), by: z.string() };
const closeForm = z.object({ period, cutoff: z.int(), closedAt: z.string() });
const close = z.discriminatedUnion('form', [
  closeForm.extend({ form: z.literal(1), books }),
  closeForm.extend({ form: z.literal(2), ...done, ...rated }),
]);
const restatement = z.object({
  form: z.literal(2),
  period,
  number: z.int().min(1).max(RESTATEMENTS_MOST),
  billedIn: period,
  restatedAt: z.string(),
  reason: z.string(),
  ...done,
  ...rated,
});

const NAME = /^(\d{4}-\d{2})(?:\.restated-(\d+))?\.json$/;

function folderOf(data: string): string {
  return join(data, 'usage-closed');
}

export function closeFile(data: string, month: string): string {
  return join(folderOf(data), `${month}.json`);
}

export function restatementFile(data: string, month: string, number: number): string {
  return join(folderOf(data), `${month}.restated-${number}.json`);
}

/** All that is closed. @throws PerdureError closed_month_unreadable, if a file is not as it was written */
export function closedMonths(data: string): KeptMonths {
  return read(data, namesIn(data));
}

/** The same for who asks often: files are not read again while none has come, or was put back. */
export function closedBook(data: string): () => KeptMonths {
  let known = '';
  let months: KeptMonths = new Map();
  return () => {
    const names = namesIn(data);
    const now = names.map(name => markOf(join(folderOf(data), name))).join();
    if (now !== known) {
      months = read(data, names);
      known = now;
    }
    return months;
  };
}

function markOf(path: string): string {
  const { size, mtimeMs, ino } = statSync(path);
  return `${path} ${size} ${mtimeMs} ${ino}`;
}

function namesIn(data: string): readonly string[] {
  try {
    return readdirSync(folderOf(data)).filter(name => NAME.test(name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw unreadable(folderOf(data), reasonOf(error));
  }
}

function read(data: string, names: readonly string[]): KeptMonths {
  const found = names.map(name => ({ name, match: NAME.exec(name) }));
  const closes = found.flatMap(({ name, match }) => (match?.[2] === undefined ? [name] : []));
  return new Map(
    closes.toSorted().map(name => {
      const month = name.slice(0, 'yyyy-mm'.length);
      const numbers = found.flatMap(({ match }) => (match?.[1] === month && match[2] !== undefined ? [match[2]] : []));
      return [month, monthIn(data, month, numbers.length)];
    }),
  );
}

function monthIn(data: string, month: string, restated: number): KeptMonth {
  const own = parsed(closeFile(data, month), close, month);
  const restatements = Array.from({ length: restated }, (_, i): KeptRestatement => {
    const {
      contracts: _contracts,
      opening: _opening,
      form: _form,
      ...rest
    } = parsed(restatementFile(data, month, i + 1), restatement, month);
    return { ...rest, ...ratingOf({ books: rest.books, contracts: _contracts, opening: _opening }) };
  });
  const { cutoff, closedAt } = own;
  const rating = own.form === 1 ? { books: own.books, terms: null } : ratingOf(own);
  return {
    period: month,
    cutoff,
    closedAt,
    ...rating,
    done: own.form === 1 ? null : { id: own.id, by: own.by },
    restatements,
  };
}

function parsed<T extends { readonly period: string }>(path: string, schema: z.ZodType<T>, month: string): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw unreadable(path, reasonOf(error));
  }
  const found = schema.safeParse(value);
  if (!found.success) throw unreadable(path, `it is of no form of this version (${z.prettifyError(found.error)})`);
  if (found.data.period !== month) throw unreadable(path, `it is of ${found.data.period}`);
  return found.data;
}

/** Without the path of the folder: the message may go over the wire. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return error.code === 'ENOENT' ? 'it is gone' : String(error.code);
  return error instanceof Error ? error.message : String(error);
}

function unreadable(path: string, why: string): Error {
  return perdureError(
    'closed_month_unreadable',
    `${join('usage-closed', basename(path))} of the data folder cannot be read: ${why}. Put the file back as it was written, from a backup: until then nothing is rated, as what was billed could come out otherwise.`,
  );
}

function ratingOf(kept: {
  readonly books: Books;
  readonly contracts: readonly z.infer<typeof contract>[];
  readonly opening: OpeningBases;
}): Rating {
  const { commitments, shares } = termsOf(kept.contracts.map(withoutOthers));
  return { books: kept.books, terms: { commitments, shares, opening: kept.opening } };
}

const NO_OTHERS: Omit<MoneyTerms, 'commitments' | 'shares'> = { capacity: [], prepaid: [], tranches: [], caps: [] };

function withoutOthers({ money, ...rest }: z.infer<typeof contract>): TermsSource {
  return { ...rest, money: { ...NO_OTHERS, commitments: money.commitments, shares: money.shares } };
}

/** Of the money terms those that charges show. */
function keptContract({ money: { commitments, shares }, ...rest }: TermsSource): object {
  return { ...rest, money: { commitments, shares } };
}

/** False, and nothing done, if there is a file. @throws StoreError */
function keep(path: string, { contracts, opening, ...rest }: NewClose | NewRestatement): Promise<boolean> {
  const bases = Object.fromEntries(
    Object.entries(opening).map(([share, by]) => [
      share,
      Object.fromEntries(Object.entries(by).map(([tenant, base]) => [tenant, String(base)])),
    ]),
  );
  const text = JSON.stringify({ form: 2, ...rest, contracts: contracts.map(keptContract), opening: bases });
  return writeWholeOnce(path, new TextEncoder().encode(`${text}\n`));
}

/** Durable when it resolves. @throws PerdureError month_closed; StoreError */
export async function keepClose(data: string, made: NewClose): Promise<void> {
  if (!(await keep(closeFile(data, made.period), made)))
    throw perdureError('month_closed', `${made.period} is closed already.`);
}

/** Durable when it resolves. @throws PerdureError record_changed, if another one was first; StoreError */
export async function keepRestatement(data: string, made: NewRestatement): Promise<void> {
  if (!(await keep(restatementFile(data, made.period, made.number), made))) throw perdureError('record_changed');
}
