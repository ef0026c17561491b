/**
 * Routing with shadow prices against routing by price alone: bills and shortfalls of a simulated season over two commitments. Each call is
 * decided by the server's own code. Not measured: real demand, and time.
 */
import type * as simulations from '../packages/server/src/main/shadow/simulation.test-support.ts';
import type { Row } from './figures.ts';

// The server's own modules are another project of the compiler: they are found at run time.
const source = new URL('../packages/server/src/', import.meta.url);
const { simulate } = (await import(
  new URL('main/shadow/simulation.test-support.ts', source).href
)) as typeof simulations;

const SEEDS = [1, 2, 3];

export async function benchShadow(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const seed of SEEDS) {
    const { byPrice, withShadow, least, calls } = await simulate(seed);
    const dollars = (amount: number): string => `$${amount.toLocaleString('en-US')}`;
    const shown = ({ bills, shortfall, total }: simulations.Season): string =>
      `${dollars(bills)} + ${dollars(shortfall)} missing = ${dollars(total)}`;
    rows.push({
      what: `bills and shortfalls of ${calls} calls, season ${seed}`,
      goal: `below price alone: ${shown(byPrice)}`,
      measured: `${shown(withShadow)}; least possible ${dollars(least)}`,
      ratio: withShadow.total / byPrice.total,
    });
  }
  return rows;
}
