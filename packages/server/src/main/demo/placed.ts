/** Reads what a placement says, and compares it with what the story expects of it. */
import type { ClauseRef, PlacementResource, PlacementRow } from '@perdure/protocol';
import { type Cite, differs } from './claims.ts';
import type { Customer, Expected } from './customers.ts';
import { AS_OF } from './deployment.ts';

export interface Judged {
  /** Where: `azure/eastus`. */
  readonly where: string;
  /** Why not elsewhere: `not aws: joint.stateless`. */
  readonly why: string;
  readonly cites: readonly Cite[];
  readonly wrong: readonly string[];
}

export const READING = 'as-written';

export function judge(placement: PlacementResource, expected: Expected): Judged {
  const chosen = placement.rows.find(row => row.verdict === 'chosen');
  const others = placement.rows.filter(row => row !== chosen);
  const against = [...expected.against].toSorted();
  const wrong = [
    ...differs('outcome', placement.outcome, 'placed'),
    ...differs('cloud', chosen?.cloud ?? null, expected.cloud),
    ...differs('date seen', placement.as_of, AS_OF),
    ...differs('reading', placement.reading, READING),
    ...(others.length === 0 ? ['there was no other place to choose from'] : []),
    ...others.flatMap(row => [
      ...differs(
        `clauses against ${row.cloud}`,
        forbidding(row)
          .map(clause => clause.id)
          .toSorted(),
        against,
      ),
      ...differs(`verdict on ${row.cloud}`, row.verdict, against.length === 0 ? 'allowed' : 'denied'),
    ]),
  ];
  return {
    where: chosen === undefined ? placement.outcome : placeOf(chosen),
    why: whyNot(others),
    cites: others.flatMap(row => forbidding(row).map(citeOf)),
    wrong,
  };
}

export function judgeCall(
  placement: PlacementResource,
  expected: Customer['calls'],
  flagged: readonly string[],
): Judged {
  const judged = judge(placement, expected);
  const flags = placement.flagged.map(clause => clause.id);
  return {
    ...judged,
    wrong: [
      ...judged.wrong,
      ...differs('target', placement.target?.cloud ?? null, expected.cloud),
      ...differs('class of the call', placement.class, expected.class),
      ...differs('flagged clauses', flags, flagged),
    ],
  };
}

/** `azure/eastus`; the cloud alone where the environment says no region. */
export function placeOf({ cloud, region }: { readonly cloud: string; readonly region: string }): string {
  return region === 'unspecified' ? cloud : `${cloud}/${region}`;
}

export function forbidding(row: PlacementRow): readonly ClauseRef[] {
  return row.clauses.filter(clause => clause.effect !== 'permit');
}

export function citeOf({ contract, id, cite }: ClauseRef): Cite {
  return { contract, id, cite };
}

/** Clouds that the same clauses exclude are named together. */
function whyNot(rows: readonly PlacementRow[]): string {
  const byReason = new Map<string, string[]>();
  for (const row of rows) {
    const reason =
      row.verdict === 'allowed'
        ? 'allowed too'
        : forbidding(row)
            .map(clause => clause.id)
            .join(', ') || row.reason;
    byReason.set(reason, [...(byReason.get(reason) ?? []), row.cloud]);
  }
  return [...byReason]
    .map(([reason, clouds]) => `${reason === 'allowed too' ? '' : 'not '}${clouds.join(', ')}: ${reason}`)
    .join('; ');
}
