/** What a supposition can tell records apart by: what it cannot, need not be looked at in each of them. */
import type { PlacementRecord } from './record.ts';
import type { Supposition } from './replay.ts';
import type { Snapshot } from './snapshot.ts';

/** What the supposition can tell records apart by, besides what is in every record. */
export interface Sight {
  /** Moments that the supposed snapshot cannot tell apart have the same number. */
  readonly era: (at: number) => number;
  /** Whether the record is judged by what its session did. */
  readonly looksBack: (record: PlacementRecord) => boolean;
  /** Whether what the tenant had spent counts. */
  readonly spending: boolean;
  /** Whether what the session had done by then counts. */
  readonly soFar: boolean;
}

export function sightOf({ recorded, supposed, readings }: Supposition): Sight {
  const back = new Set(
    supposed.contracts.flatMap(contract =>
      contract.readings.flatMap(({ id, retrospective }) => (retrospective ? [`${contract.id}:${id}`] : [])),
    ),
  );
  const anyBack = (chosen: Readonly<Record<string, string>>): boolean =>
    Object.entries(chosen).some(([contract, reading]) => back.has(`${contract}:${reading}`));
  const always = anyBack(supposed.readings) || (readings === 'session' && anyBack(recorded.readings));
  const looksBack =
    back.size === 0 || always || readings === 'snapshot'
      ? () => always
      : ({ r }: PlacementRecord) => r !== undefined && anyBack(r);
  const spending = supposed.contracts.some(({ readsSpend }) => readsSpend);
  const soFar = supposed.contracts.some(({ readsUse }) => readsUse);
  return { era: eraOf(supposed), looksBack, spending, soFar };
}

function eraOf({ contracts, recorded, waivers = [] }: Snapshot): Sight['era'] {
  const moments = new Set<number>();
  for (const { effective, changesAt } of contracts) {
    const changes = changesAt(recorded);
    if (changes === null) return at => at;
    for (const moment of [effective.from, effective.to, ...changes]) if (moment !== null) moments.add(moment);
  }
  for (const { from, until } of waivers) moments.add(from).add(until);
  const sorted = [...moments].toSorted((a, b) => a - b);
  return at => {
    let passed = 0;
    for (const moment of sorted) {
      if (moment > at) break;
      passed += 1;
    }
    return passed;
  };
}
