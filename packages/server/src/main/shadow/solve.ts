/** Solves linear programs with HiGHS, as WebAssembly. Some megabytes: loaded where it is used, in a thread of its own (`thread.ts`). */
import highs from 'highs';
import type { LpSolution } from '../../money/shadow.ts';

/** Its types are those of its CommonJS form; what is loaded here is the other one, whose default export is the function. */
const loadHighs = highs as unknown as typeof highs.default;

/** Loaded by the first who asks. */
let loaded: ReturnType<typeof loadHighs> | null = null;

/** @throws if the program has no optimum */
export async function solve(program: string): Promise<LpSolution> {
  loaded ??= loadHighs();
  const solution = (await loaded).solve(program);
  if (solution.Status !== 'Optimal') throw new Error(`the program for shadow prices is ${solution.Status}`);
  const duals = solution.Rows.flatMap(row => ('Dual' in row ? [[row.Name, row.Dual] as const] : []));
  const values = Object.entries(solution.Columns).map(([name, column]) => [name, column.Primal] as const);
  return { objective: solution.ObjectiveValue, duals: new Map(duals), values: new Map(values) };
}
