/**
 * A season of calls over two commitments and three clouds: each call is decided as a server decides it, by price alone or with shadow prices
 * that are computed anew each day from the last four weeks, as a server computes them. Demand is noisy and grows; nobody is told.
 */
import type { CommitmentTerm } from '../../money/commitments.ts';
import { DAY_MS } from '../../money/calendar.ts';
import { type ShadowInput, shadowPrices, shadowProgram } from '../../money/shadow.ts';
import { decide } from '../../placement/decide.ts';
import type { ShadowPrices } from '../../placement/facts.ts';
import { call, load, shippedFiles, snapshotOf, target } from '../../placement/fixture.test-support.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { solve } from './solve.ts';

const START = Date.UTC(2026, 0, 1);
const DAYS = 180;
const FORECAST_DAYS = 28;
/** A simulated call stands for a million tokens, and costs what they do. */
const TOKENS = 1_000_000;
const MICRO = 1_000_000;

/** Dollars per million tokens, by model and cloud: what is cheap on one is dear on another. */
const PRICES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  chat: { azure: 9.6, aws: 11.2, gcp: 10 },
  code: { azure: 14, aws: 12.9, gcp: 12.5 },
  bulk: { azure: 3, aws: 3.9, gcp: 2.8 },
};
const DAILY: Readonly<Record<string, number>> = { chat: 30, code: 20, bulk: 60 };

const COMMITMENTS: readonly CommitmentTerm[] = [
  { id: 'azure-macc', cloud: 'azure', dollars: 70_000, days: 180 },
  { id: 'aws-edp', cloud: 'aws', dollars: 30_000, days: 150 },
].map(({ id, cloud, dollars, days }) => ({
  id,
  cloud,
  payer: 'us',
  payee: cloud,
  amount: BigInt(dollars * MICRO),
  from: START,
  to: START + days * DAY_MS,
  shortfall: 'owed',
}));

export interface Season {
  /** Whole dollars. */
  readonly bills: number;
  readonly shortfall: number;
  readonly total: number;
  readonly spent: Readonly<Record<string, number>>;
}

export interface Simulated {
  readonly byPrice: Season;
  readonly withShadow: Season;
  /** The least that any routing could have come to, by the program with every call known beforehand. */
  readonly least: number;
  readonly calls: number;
}

/** The same each time: a linear congruential generator. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

type Demand = Readonly<Record<string, number>>;

/** Calls of each day: a third more at the end than at the beginning, and half as much on weekends. */
function demandOf(seed: number): readonly Demand[] {
  const draw = random(seed);
  return Array.from({ length: DAYS }, (_, day) => {
    const level = (1 + day / DAYS / 3) * (day % 7 < 5 ? 1 : 0.5);
    return Object.fromEntries(
      Object.entries(DAILY).map(([model, calls]) => [model, Math.round(calls * level * (0.6 + 0.8 * draw()))]),
    );
  });
}

export async function simulate(seed: number): Promise<Simulated> {
  const places = Object.entries(PRICES).flatMap(([model, clouds]) =>
    Object.entries(clouds).map(([cloud, dollars]) => {
      const price = Math.round(dollars * MICRO);
      const prices = { inputPerMtok: price, cachedInputPerMtok: price, outputPerMtok: price };
      return target(`${model}-${cloud}`, cloud, { model, prices });
    }),
  );
  const snapshot = snapshotOf([load(shippedFiles('none'))], { places });
  const demand = demandOf(seed);
  const byPrice = await season(snapshot, demand, false);
  const withShadow = await season(snapshot, demand, true);
  const all = inputOf(snapshot, demand, START, new Map());
  const least = Math.round((await solve(shadowProgram(all) ?? '')).objective);
  const calls = demand.reduce((sum, day) => sum + Object.values(day).reduce((a, b) => a + b, 0), 0);
  return { byPrice, withShadow, least, calls };
}

async function season(snapshot: Snapshot, demand: readonly Demand[], steered: boolean): Promise<Season> {
  const burned = new Map<string, number>();
  let bills = 0;
  let shadow: ShadowPrices = {};
  for (const [day, today] of demand.entries()) {
    const now = START + day * DAY_MS;
    // The first day knows nothing yet.
    if (steered && day > 0)
      shadow = await computed(snapshot, demand.slice(Math.max(0, day - FORECAST_DAYS), day), now, burned);
    for (const [model, calls] of Object.entries(today)) {
      for (let i = 0; i < calls; i++) {
        const facts = call({ model, at: now, inputTokens: TOKENS, outputBound: 0 });
        const { chosen, rows } = decide(snapshot, 'infer', facts, {}, { shadow });
        const cost = rows.find(({ place }) => place === chosen)?.cost ?? 0;
        bills += cost;
        for (const { id, cloud, to } of COMMITMENTS) {
          if (snapshot.byId.get(chosen ?? '')?.cloud === cloud && now < (to ?? 0))
            burned.set(id, (burned.get(id) ?? 0) + cost);
        }
      }
    }
  }
  const missing = COMMITMENTS.map(({ id, amount }) => Math.max(0, Number(amount) - (burned.get(id) ?? 0)));
  const shortfall = missing.reduce((sum, one) => sum + one, 0);
  const dollars = (micro: number): number => Math.round(micro / MICRO);
  return {
    bills: dollars(bills),
    shortfall: dollars(shortfall),
    total: dollars(bills + shortfall),
    spent: Object.fromEntries([...burned].map(([id, micro]) => [id, dollars(micro)])),
  };
}

async function computed(
  snapshot: Snapshot,
  lately: readonly Demand[],
  now: number,
  burned: ReadonlyMap<string, number>,
): Promise<ShadowPrices> {
  const input = inputOf(snapshot, lately, now, burned);
  const program = shadowProgram(input);
  return program === null ? {} : shadowPrices(input, await solve(program)).targets;
}

/** As if every day to come were as these were on average. */
function inputOf(
  snapshot: Snapshot,
  days: readonly Demand[],
  now: number,
  burned: ReadonlyMap<string, number>,
): ShadowInput {
  const classes = Object.keys(DAILY).map(model => {
    const calls = days.reduce((sum, day) => sum + (day[model] ?? 0), 0) / days.length;
    const targets = snapshot.byModel.get(`openai/${model}`) ?? [];
    return { calls, daily: Object.fromEntries(targets.map(({ id, prices }) => [id, calls * prices.inputPerMtok])) };
  });
  return {
    classes,
    targets: snapshot.targets.map(({ id, cloud }) => ({ id, cloud, callsADay: null })),
    commitments: COMMITMENTS.map(term => {
      const left = term.amount - BigInt(burned.get(term.id) ?? 0);
      return { key: term.id, term, remaining: left > 0n ? left : 0n };
    }),
    now,
  };
}
