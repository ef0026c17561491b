/**
 * Shadow prices: what a dollar that is spent on a cloud now saves of a commitment's shortfall at its end. From a linear program over the
 * time until the last commitment ends: which share of each class of calls should go where, so that the bills and the shortfalls together
 * are least. A commitment's dual is its price. Estimates, in floating point: they steer, and no amount is computed from them.
 */
import { below } from './burning.ts';
import type { CommitmentTerm } from './commitments.ts';
import { DAY_MS } from './calendar.ts';

/** Calls alike: they may go to the same targets. */
export interface DemandClass {
  /** A day. */
  readonly calls: number;
  /** Micro-USD that a day of them costs at each target where they may go. */
  readonly daily: Readonly<Record<string, number>>;
}

export interface ShadowTarget {
  readonly id: string;
  readonly cloud: string;
  /** Calls a day that it can take; null: any number. */
  readonly callsADay: number | null;
}

export interface ShadowInput {
  readonly classes: readonly DemandClass[];
  readonly targets: readonly ShadowTarget[];
  readonly commitments: readonly {
    readonly key: string;
    readonly term: CommitmentTerm;
    readonly remaining: bigint;
  }[];
  /** ms since 1970. */
  readonly now: number;
}

export interface CommitmentShadow {
  readonly key: string;
  readonly cloud: string;
  /** Parts per million of a dollar, 0 to 1,000,000. */
  readonly ppm: number;
  /** Micro-USD that will be missing at the end, by the forecast and the best routing. */
  readonly shortfall: number;
}

export interface ShadowResult {
  readonly commitments: readonly CommitmentShadow[];
  /** By target, only what is above 0. */
  readonly targets: Readonly<Record<string, number>>;
}

/** What a solver said: rows' duals and columns' values, by name. */
export interface LpSolution {
  /** Dollars. */
  readonly objective: number;
  readonly duals: ReadonlyMap<string, number>;
  readonly values: ReadonlyMap<string, number>;
}

const MILLION = 1_000_000;
/**
 * Where the program is indifferent between two targets it splits the calls; a price cannot. So the price is a little above the dual: the
 * commitment is served first, until it is met and its price falls to nothing. Later is no cheaper, and a forecast may be wrong.
 */
export const TIE_PPM = 1_000;
/** Of a call that no target has room for, as a multiple of the dearest: it keeps the program feasible. */
const UNSERVED = 10;
/** Terms in a line of the text. */
const TERMS_A_LINE = 8;

interface Period {
  readonly from: number;
  readonly to: number;
  readonly days: number;
}

type Committed = ShadowInput['commitments'][number];

/** What a commitment waits for: it gets nothing before those are full. One that has ended keeps nobody waiting. */
function waitsFor({ commitments, now }: ShadowInput, { term }: Committed): readonly Committed[] {
  const open = commitments.filter(one => one.term.to === null || one.term.to > now);
  const first = below(
    commitments.map(one => one.term),
    term,
  );
  return open.filter(one => first.includes(one.term));
}

/** Only what has an end that is to come, something left, and a shortfall that costs. */
function pricedCommitments({ commitments, now }: Pick<ShadowInput, 'commitments' | 'now'>): ShadowInput['commitments'] {
  return commitments.filter(
    ({ term, remaining }) => term.to !== null && term.to > now && remaining > 0n && term.shortfall !== 'forgiven',
  );
}

function periodsOf(input: ShadowInput): readonly Period[] {
  const dates = pricedCommitments(input).flatMap(({ term }) => [term.from, term.to ?? 0]);
  const edges = [...new Set([input.now, ...dates.filter(at => at > input.now)])].toSorted((a, b) => a - b);
  return edges.slice(1).map((to, i) => {
    const from = edges[i] ?? to;
    return { from, to, days: (to - from) / DAY_MS };
  });
}

/** The program as CPLEX LP text, amounts in dollars. Null if there is nothing to decide. */
export function shadowProgram(input: ShadowInput): string | null {
  const priced = pricedCommitments(input);
  const periods = periodsOf(input);
  if (priced.length === 0 || input.classes.length === 0) return null;
  const objective: string[] = [];
  const rows: string[] = [];
  const bounds: string[] = [];
  const chains = priced.map(one => [...waitsFor(input, one), one]);
  const paid = priced.map((): string[] => []);
  for (const [p, period] of periods.entries()) {
    const taken = new Map<string, string[]>();
    for (const [c, { calls, daily }] of input.classes.entries()) {
      const shares: string[] = [];
      for (const [t, target] of input.targets.entries()) {
        const cost = daily[target.id];
        if (cost === undefined) continue;
        const name = `x_${c}_${t}_${p}`;
        const dollars = (cost * period.days) / MILLION;
        objective.push(term(dollars, name));
        shares.push(term(1, name));
        bounds.push(` 0 <= ${name} <= 1`);
        if (target.callsADay !== null) entry(taken, target.id).push(term(calls, name));
        for (const [k, chain] of chains.entries()) {
          const burns = chain.some(one => one.term.cloud === target.cloud && covers(one.term, period));
          if (burns) paid[k]?.push(term(dollars, name));
        }
      }
      if (shares.length === 0) continue;
      const unserved = `u_${c}_${p}`;
      objective.push(term((Math.max(...Object.values(daily), 1) * UNSERVED * period.days) / MILLION, unserved));
      rows.push(row(`class_${c}_${p}`, [...shares, term(1, unserved)], '=', 1));
    }
    for (const [t, { id, callsADay }] of input.targets.entries()) {
      const calls = taken.get(id);
      if (callsADay !== null && calls !== undefined) rows.push(row(`room_${t}_${p}`, calls, '<=', callsADay));
    }
  }
  // What is spent fills a chain from its beginning: with what those before it will miss, it has to come to the whole of it.
  for (const [k, chain] of chains.entries()) {
    const missing = chain.map(one => priced.indexOf(one)).filter(i => i >= 0);
    objective.push(term(1, `s_${k}`));
    const whole = chain.reduce((sum, { remaining }) => sum + remaining, 0n);
    const parts = [...(paid[k] ?? []), ...missing.map(i => term(1, `s_${i}`))];
    rows.push(row(`commit_${k}`, parts, '>=', Number(whole) / MILLION));
  }
  return ['Minimize', ` cost: ${wrapped(objective)}`, 'Subject To', ...rows, 'Bounds', ...bounds, 'End', ''].join('\n');
}

export function shadowPrices(input: ShadowInput, { duals, values }: LpSolution): ShadowResult {
  const priced = pricedCommitments(input);
  const rows = priced.map((one, k) => ({
    chain: [...waitsFor(input, one), one],
    ppm: Math.max(0, Math.round((duals.get(`commit_${k}`) ?? 0) * MILLION)),
  }));
  const commitments = priced.map((one, k): CommitmentShadow => {
    // What fills it brings the ones on top of it nearer, too.
    const saved = rows.filter(({ chain }) => chain.includes(one)).reduce((sum, { ppm }) => sum + ppm, 0);
    const shortfall = Math.max(0, Math.round((values.get(`s_${k}`) ?? 0) * MILLION));
    return { key: one.key, cloud: one.term.cloud, ppm: Math.min(MILLION, saved), shortfall };
  });
  const targets: Record<string, number> = {};
  for (const { id, cloud } of input.targets) {
    const ppm = rows
      .filter(one => one.ppm > 0 && one.chain.some(({ term }) => term.cloud === cloud && term.from <= input.now))
      .reduce((sum, one) => sum + one.ppm + TIE_PPM, 0);
    if (ppm > 0) targets[id] = Math.min(MILLION, ppm);
  }
  return { commitments, targets };
}

function covers({ from, to }: CommitmentTerm, period: Period): boolean {
  return from <= period.from && (to === null || to >= period.to);
}

function term(factor: number, name: string): string {
  return `${Number(factor.toPrecision(12))} ${name}`;
}

function wrapped(terms: readonly string[]): string {
  const lines: string[] = [];
  for (let i = 0; i < terms.length; i += TERMS_A_LINE) lines.push(terms.slice(i, i + TERMS_A_LINE).join(' + '));
  return lines.join('\n  + ');
}

function row(name: string, terms: readonly string[], sense: '=' | '<=' | '>=', bound: number): string {
  return ` ${name}: ${wrapped(terms)} ${sense} ${Number(bound.toPrecision(12))}`;
}

function entry(map: Map<string, string[]>, key: string): string[] {
  const known = map.get(key) ?? [];
  map.set(key, known);
  return known;
}
