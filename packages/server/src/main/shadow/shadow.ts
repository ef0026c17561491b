/** Shadow prices of a running server, computed beside the calls: from what was called lately, what it costs, and what is left of commitments. */
import type { ShadowPrices } from '../../placement/facts.ts';
import { recompute } from '../../placement/record.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import type { LoggedCall } from '../../engine/usage.ts';
import { DAY_MS } from '../../money/calendar.ts';
import {
  type DemandClass,
  type ShadowInput,
  shadowPrices,
  shadowProgram,
  type ShadowResult,
  type ShadowTarget,
} from '../../money/shadow.ts';
import { spendPricesOf } from '../money/books.ts';
import { placePrices } from '../money/target-facts.ts';
import { statementOf, type UsageDesk } from '../money/usage-view.ts';
import { solveInThread } from './thread.ts';

export interface ShadowParts {
  readonly everyMs: number;
  readonly money: UsageDesk;
  readonly snapshot: () => Snapshot;
  /** 0: not known. */
  readonly latencyMs: (target: string) => number;
  /** The time that contracts see. */
  readonly asOf: () => number;
  readonly report: (what: string, error: unknown) => void;
}

export interface RunningShadow {
  /** Undefined while nothing weighs in: a call is then scored as without. */
  targets(): ShadowPrices | undefined;
  /** Of a commitment, as `contract/id`; null if it is not computed. */
  ppm(commitment: string): number | null;
  /** Settles once the first computation is over, however it went. */
  readonly first: Promise<void>;
  close(): Promise<void>;
}

/** What is yet to come is taken to be as these days were. */
export const DEMAND_DAYS = 28;
/** Classes that are told apart; further ones, which cost least, are left out. */
const CLASSES_MOST = 64;
/** Of the whole computation, and of its program. What is late leaves the prices as they are. */
const DEADLINE_MS = 60_000;
const SOLVE_MS = 30_000;

export function startShadow(parts: ShadowParts): RunningShadow {
  let result: ShadowResult | null = null;
  let closed = false;
  const compute = async (): Promise<void> => {
    try {
      const next = await computed(parts, () => closed);
      if (!closed) result = next;
    } catch (error) {
      if (!closed) parts.report('shadow prices', error);
    }
  };
  let under = compute();
  const first = under;
  const timer = setInterval(() => {
    under = under.then(compute);
  }, parts.everyMs);
  timer.unref();
  return {
    first,
    targets: () => (result === null || Object.keys(result.targets).length === 0 ? undefined : result.targets),
    ppm: commitment => result?.commitments.find(({ key }) => key === commitment)?.ppm ?? null,
    async close() {
      closed = true;
      clearInterval(timer);
      await under;
    },
  };
}

async function computed(parts: ShadowParts, closed: () => boolean): Promise<ShadowResult> {
  const none: ShadowResult = { commitments: [], targets: {} };
  if (parts.money.terms.commitments.length === 0) return none;
  const until = parts.money.now() + DEADLINE_MS;
  const late = (): void => {
    if (closed() || parts.money.now() > until) throw new Error(`they were not computed in ${DEADLINE_MS} ms`);
  };
  const now = parts.asOf();
  const { commitments } = await statementOf(parts.money, now);
  late();
  const input: ShadowInput = {
    classes: await demandOf(parts, late),
    targets: targetsOf(parts),
    commitments: commitments.map(({ contract, term, remaining }) => ({
      key: `${contract}/${term.id}`,
      term,
      remaining,
    })),
    now,
  };
  const program = shadowProgram(input);
  return program === null || closed() ? none : shadowPrices(input, await solveInThread(program, SOLVE_MS));
}

function targetsOf({ snapshot, latencyMs }: ShadowParts): readonly ShadowTarget[] {
  return snapshot().targets.map(({ id, cloud, capacity }) => {
    const latency = latencyMs(id);
    const bounded = capacity.maxConcurrent !== null && latency > 0;
    return { id, cloud, callsADay: bounded ? ((capacity.maxConcurrent ?? 0) * DAY_MS) / latency : null };
  });
}

type Summed = { calls: number; readonly costs: Map<string, number> };

/** Calls of the last days by where they may go now, and what a day of them would cost at each of those targets. */
async function demandOf(parts: ShadowParts, late: () => void): Promise<readonly DemandClass[]> {
  const { money, asOf } = parts;
  const snapshot = parts.snapshot();
  const prices = spendPricesOf(money.books);
  const now = money.now();
  const classes = new Map<string, Summed>();
  let oldest = now;
  const add = (call: LoggedCall): void => {
    const legal = legalTargets(call, snapshot, asOf());
    const key = legal.join(' ');
    const known = classes.get(key) ?? { calls: 0, costs: new Map<string, number>() };
    classes.set(key, known);
    known.calls += 1;
    for (const id of legal) {
      const place = snapshot.byId.get(id);
      const seen = place?.kind === 'target' ? placePrices(place.prices) : null;
      known.costs.set(id, (known.costs.get(id) ?? 0) + Number(prices.cost(id, now, call.usage, seen)));
    }
    oldest = Math.min(oldest, call.at);
  };
  const window = { tenants: await money.tenants(), from: now - DEMAND_DAYS * DAY_MS, to: now + 1 };
  for await (const page of money.usage(window)) {
    late();
    for (const call of page.calls) add(call);
  }
  // A server that is younger than the window has made its calls in fewer days.
  const days = Math.max(1, (now - oldest) / DAY_MS);
  return [...classes.values()]
    .map(({ calls, costs }) => ({
      calls: calls / days,
      daily: Object.fromEntries([...costs].map(([id, cost]) => [id, cost / days])),
    }))
    .filter(({ daily }) => Object.keys(daily).length > 0)
    .toSorted((a, b) => dearest(b) - dearest(a))
    .slice(0, CLASSES_MOST);
}

function dearest({ daily }: DemandClass): number {
  return Math.max(...Object.values(daily));
}

/** Where the contracts in force let such a call go, in one order. */
function legalTargets({ record }: LoggedCall, snapshot: Snapshot, now: number): readonly string[] {
  const { b: _, ...rest } = record;
  const { rows } = recompute({ ...rest, t: now }, snapshot);
  const legal = rows.filter(({ verdict }) => !['excluded', 'wrong-model', 'unable'].includes(verdict));
  return legal.map(({ place }) => place).toSorted();
}
