/** `cases.yaml`: table cases beside a contract. What a case is, and reading it with the line of everything that is wrong. */
import { knownHint } from '@perdure/protocol';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { CONTRACT_SCHEMA, PLACE_ACTIONS, VOCABULARY } from '../contract/schema.ts';
import { CliError, EXIT } from './cli/exit.ts';
import { readDocument } from './config/document.ts';
import { problemsOf } from './config/issues.ts';
import { type LocatedProblem, type Path, problemLine } from './config/problem.ts';
import { caseMoment, type CaseRecorded, recordedKeys, recordedProblems } from './contract-cases-recorded.ts';
import { CASES_FILE } from './contracts.ts';

/** Cases that one file may have. */
export const MAX_CASES = 1000;
/** Characters that a file of cases may have. */
export const MAX_CASES_CHARS: number = 512 * 1024;

export interface CaseFacts extends CaseRecorded {
  readonly action?: (typeof PLACE_ACTIONS)[number] | undefined;
  /** A day or a moment, UTC. */
  readonly at?: string | undefined;
  readonly reading?: string | undefined;
  /** Of the model. */
  readonly vendor?: string | undefined;
  readonly product?: string | undefined;
  readonly channel?: string | undefined;
  readonly segment?: string | undefined;
  readonly stored?: boolean | undefined;
  readonly purpose?: string | undefined;
  readonly tenant?: string | undefined;
  /** Of what the session has read. */
  readonly labels?: readonly string[] | undefined;
  readonly request_labels?: readonly string[] | undefined;
  /** The agent of the session. */
  readonly agent?: { readonly id: string; readonly version?: number | undefined } | undefined;
  /** The key in whose name it is asked, and its scopes. */
  readonly key?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** What the session did with its state: in all, for retrospective readings, and before this call, for clauses. */
  readonly use?: Readonly<Record<string, number>> | undefined;
  /** Other facts of the schema, by name. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
  readonly on_ambiguity?: 'flag' | 'refuse' | undefined;
  /** Contracts that are configured too: names of shipped sets, or paths from this folder. */
  readonly with?: readonly string[] | undefined;
}

export interface Expected {
  readonly outcome: 'allowed' | 'denied';
  /** Clauses against it; exactly these. */
  readonly by?: readonly string[] | undefined;
  /** Clauses that are recorded and not enforced; exactly these. */
  readonly flagged?: readonly string[] | undefined;
  /** Clauses that permit it; exactly these. */
  readonly permits?: readonly string[] | undefined;
}

export interface Case extends CaseFacts {
  readonly name: string;
  readonly expect: {
    readonly class?: 'stateless' | 'stateful' | undefined;
    readonly code?: string | undefined;
    readonly places?: Readonly<Record<string, Expected>> | undefined;
    readonly sale?: Expected | undefined;
  };
}

export interface CasesFile {
  readonly places: Readonly<Record<string, CasePlace>>;
  readonly products: Readonly<Record<string, { readonly vendor: string; readonly kind: 'api' | 'runtime' }>>;
  readonly channels: Readonly<
    Record<string, { readonly seller?: string | undefined; readonly kind: 'direct' | 'third-party' }>
  >;
  readonly defaults?: CaseFacts | undefined;
  readonly cases: readonly Case[];
}

export interface CasePlace {
  readonly cloud: string;
  readonly region?: string | undefined;
  readonly jurisdiction?: string | undefined;
  readonly sovereignty?: string | undefined;
  readonly clearances?: readonly string[] | undefined;
  /** Whose models are there; absent: anybody's. */
  readonly vendors?: readonly string[] | undefined;
  /** Absent: of a name that no clause knows. */
  readonly model?: string | undefined;
  /** Absent: not known. */
  readonly accelerator?: string | undefined;
}

const word = z.string().min(1).max(200);
const words = z.array(word).max(100);
const oneOf = (name: string): z.ZodType<string> => z.enum([...(VOCABULARY[name] ?? [])] as [string, ...string[]]);

const factKeys = {
  action: z.enum(PLACE_ACTIONS).optional(),
  at: caseMoment.optional(),
  reading: word.optional(),
  vendor: word.optional(),
  product: word.optional(),
  channel: word.optional(),
  segment: oneOf('segment').optional(),
  stored: z.boolean().optional(),
  purpose: oneOf('purpose').optional(),
  tenant: word.optional(),
  labels: words.optional(),
  request_labels: words.optional(),
  agent: z.strictObject({ id: word, version: z.int().positive().optional() }).optional(),
  key: word.optional(),
  scopes: words.optional(),
  use: z.record(word, z.int().nonnegative()).optional(),
  ...recordedKeys,
  facts: z.record(word, z.unknown()).optional(),
  on_ambiguity: z.enum(['flag', 'refuse']).optional(),
  with: words.optional(),
};

const expected = z.strictObject({
  outcome: z.enum(['allowed', 'denied']),
  by: words.optional(),
  flagged: words.optional(),
  permits: words.optional(),
});

const place = z.strictObject({
  cloud: word,
  region: word.optional(),
  jurisdiction: word.optional(),
  sovereignty: word.optional(),
  clearances: words.optional(),
  vendors: words.optional(),
  model: word.optional(),
  accelerator: word.optional(),
});

const casesSchema: z.ZodType<CasesFile> = z.strictObject({
  places: z.record(word, place),
  products: z.record(word, z.strictObject({ vendor: word, kind: z.enum(['api', 'runtime']) })),
  channels: z.record(word, z.strictObject({ seller: word.optional(), kind: z.enum(['direct', 'third-party']) })),
  defaults: z.strictObject(factKeys).optional(),
  cases: z
    .array(
      z.strictObject({
        name: word,
        ...factKeys,
        expect: z.strictObject({
          class: z.enum(['stateless', 'stateful']).optional(),
          code: word.optional(),
          places: z.record(word, expected).optional(),
          sale: expected.optional(),
        }),
      }),
    )
    .min(1)
    .max(MAX_CASES),
});

export interface LocatedCases {
  readonly file: CasesFile;
  /** Line of each case, from 1. */
  readonly lines: readonly number[];
}

/**
 * Reads the cases of a contract folder.
 * @throws CliError with every error, each with its line
 */
export function readCases(folder: string): LocatedCases {
  const path = join(folder, CASES_FILE);
  if (!existsSync(path)) {
    throw new CliError(EXIT.usage, `perdure contracts test: no ${CASES_FILE} in ${folder}`, {
      hint: 'docs/contracts.md says how to write one.',
    });
  }
  const { size } = statSync(path);
  if (size > MAX_CASES_CHARS)
    throw new CliError(EXIT.usage, `${path}: ${size} bytes; a file of cases may have ${MAX_CASES_CHARS}`);
  const parsed = parseCases(readFileSync(path, 'utf8'), path);
  if ('problems' in parsed) throw new CliError(EXIT.usage, parsed.problems.map(problemLine).join('\n'));
  return parsed;
}

export function parseCases(
  text: string,
  path: string,
): LocatedCases | { readonly problems: readonly LocatedProblem[] } {
  const document = readDocument(text, path, {});
  if (document.problems.length > 0) return { problems: document.problems };
  const value = withShortForms(document.value);
  const parsed = casesSchema.safeParse(value);
  if (!parsed.success) {
    const context = { value, interpolated: () => false };
    return { problems: problemsOf(parsed.error.issues, context, casesSchema).map(document.locate) };
  }
  const problems = crossProblems(parsed.data).map(([path_, message]) =>
    document.locate({ level: 'error', path: path_, message }),
  );
  if (problems.length > 0) return { problems };
  const lines = parsed.data.cases.map(
    (_, i) => document.locate({ level: 'error', path: ['cases', i], message: '' }).line,
  );
  return { file: parsed.data, lines };
}

/** `aws: denied` for `aws: {outcome: denied}`. */
function withShortForms(value: unknown): unknown {
  if (!isObject(value) || !Array.isArray(value['cases'])) return value;
  return { ...value, cases: value['cases'].map(expandCase) };
}

function expandCase(one: unknown): unknown {
  if (!isObject(one) || !isObject(one['expect'])) return one;
  const expect: Record<string, unknown> = { ...one['expect'] };
  const long = (said: unknown): unknown => (typeof said === 'string' ? { outcome: said } : said);
  if ('sale' in expect) expect['sale'] = long(expect['sale']);
  const { places } = expect;
  if (isObject(places))
    expect['places'] = Object.fromEntries(Object.entries(places).map(([id, said]) => [id, long(said)]));
  return { ...one, expect };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names that nothing in the file has, and cases that expect nothing. */
function crossProblems({ places, products, channels, defaults, cases }: CasesFile): (readonly [Path, string])[] {
  const problems: (readonly [Path, string])[] = [];
  const check = (path: Path, name: string | undefined, known: readonly string[]): void => {
    if (name === undefined || known.includes(name)) return;
    problems.push([path, `nothing is called ${JSON.stringify(name)} here (${knownHint(name, known)})`]);
  };
  const facts = (at: Path, given: CaseFacts): void => {
    check([...at, 'product'], given.product, Object.keys(products));
    check([...at, 'channel'], given.channel, Object.keys(channels));
    for (const name of Object.keys(given.use ?? {})) check([...at, 'use', name], name, ATTRIBUTES);
    for (const name of Object.keys(given.facts ?? {})) check([...at, 'facts', name], name, ATTRIBUTES);
    for (const [i, { product }] of (given.first_refusals ?? []).entries())
      check([...at, 'first_refusals', i, 'product'], product, Object.keys(products));
    for (const [below, message] of recordedProblems(given)) problems.push([[...at, ...below], message]);
  };
  facts(['defaults'], defaults ?? {});
  for (const [i, one] of cases.entries()) {
    const at = ['cases', i] as const;
    facts(at, one);
    for (const id of Object.keys(one.expect.places ?? {})) {
      check([...at, 'expect', 'places', id], id, Object.keys(places));
    }
    if (
      Object.values(one.expect).every(said => said === undefined) ||
      Object.keys(one.expect.places ?? { a: 1 }).length === 0
    )
      problems.push([[...at, 'expect'], 'expects nothing: name a place, a class, a code or a sale']);
    const product = one.product ?? defaults?.product;
    const channel = one.channel ?? defaults?.channel;
    for (const [name, value] of [
      ['product', product],
      ['channel', channel],
    ] as const)
      if (value === undefined) problems.push([at, `has no ${name}, and neither have the defaults`]);
    if ((one.at ?? defaults?.at) === undefined) problems.push([at, 'has no at, and neither have the defaults']);
    if (cases.findIndex(({ name }) => name === one.name) !== i)
      problems.push([[...at, 'name'], `another case is called ${JSON.stringify(one.name)}`]);
  }
  return problems;
}

/** Names of attributes in the schema of clauses. */
const ATTRIBUTES: readonly string[] = [
  ...new Set([...CONTRACT_SCHEMA.matchAll(/\b([A-Za-z][A-Za-z0-9_]*)\??:\s/g)].map(match => match[1] ?? '')),
];
