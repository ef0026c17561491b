/** The same traffic under the other readings of the same contract. */
import type { WhatIfRow } from '@perdure/protocol';
import { type Cite, differs } from '../claims.ts';
import { type Customer, CUSTOMERS, type Expected } from '../customers.ts';
import { citeOf, READING } from '../placed.ts';
import { columns } from '../report.ts';
import type { Stage } from '../stage.ts';
import type { Talk } from '../talk.ts';

type Kind = 'state' | 'calls';

/** What a reading changes; all else is as under the one in force. */
const UNDER: { readonly [reading: string]: { readonly [customer: string]: Expected } } = {
  microsoft: {
    'frontier-direct': { cloud: 'azure', against: ['joint.first-party', 'joint.stateless'] },
    'frontier-bedrock': { cloud: 'azure', against: ['joint.stateless'] },
  },
  'amazon-openai': {
    'api-direct': { cloud: 'azure', against: ['joint.first-party'] },
    'api-bedrock': { cloud: 'aws', against: [] },
  },
};

/** Readings that the story knows the consequences of. The first ones are shown unless others are asked for. */
export const OTHER_READINGS: readonly string[] = Object.keys(UNDER);

const WIDTHS = [36, 10, 20, 27] as const;

export async function theReadings(stage: Stage): Promise<void> {
  const { claims, heading, say, readings, talks } = stage;
  heading('The same traffic under other readings of the same contract');
  say(`    ${columns(['', '', `${READING} (in force)`, ...readings], WIDTHS)}`);
  for (const customer of CUSTOMERS) {
    const talk = talks.get(customer.id);
    if (talk === undefined) continue;
    for (const kind of ['state', 'calls'] as const) {
      await claims.check(
        `reading.${customer.id}.${kind}`,
        'Another reading moves what it should move, and nothing else',
        () => compare(stage, talk, kind),
      );
    }
  }
}

async function compare({ perdure, readings }: Stage, { customer, turns }: Talk, kind: Kind) {
  const client = perdure(customer.id);
  const sessions = new Set<string>();
  for (const turn of turns) sessions.add((await client.placements.get(turn.placement)).session);
  const action = kind === 'state' ? 'place_state' : 'infer';
  let recorded = 0;
  for (const session of sessions) {
    for await (const one of client.placements.each({ session, limit: 100 })) recorded += one.action === action ? 1 : 0;
  }
  const sides = await Promise.all(
    readings.map(async reading => {
      const result = await client.whatif.run({ reading, sessions: [...sessions] });
      const rows = result.rows.filter(row => row.action === action);
      const expected = expectedUnder(customer, kind, reading);
      return {
        reading,
        rows,
        text: sideText(rows),
        wrong: [
          ...differs(`${reading}: placements replayed`, rows.length, recorded),
          ...rows.flatMap(row => [
            ...differs(`${reading}: ${row.placement} was on`, row.was.cloud, customer[kind].cloud),
            ...differs(`${reading}: ${row.placement} would be on`, row.would_be.cloud, expected.cloud),
            ...differs(`${reading}: against the others`, clausesOf(row), [...expected.against].toSorted()),
            ...differs(`${reading}: moves`, row.changed, row.was.cloud !== row.would_be.cloud),
          ]),
        ].slice(0, MOST_FAULTS),
      };
    }),
  );
  const what = kind === 'state' ? 'state' : `${recorded} calls`;
  return {
    text: columns(
      [
        kind === 'state' ? customer.title : '',
        what,
        sides[0]?.rows[0]?.was.cloud ?? 'nowhere',
        ...sides.map(side => side.text),
      ],
      WIDTHS,
    ),
    cites: sides.flatMap(({ rows }): readonly Cite[] => rows.flatMap(row => row.would_be.clauses.map(citeOf))),
    evidence: {
      placements: recorded,
      would_be: Object.fromEntries(sides.map(side => [side.reading, side.text])),
      changed: Object.fromEntries(sides.map(side => [side.reading, side.rows.filter(row => row.changed).length])),
    },
    wrong: [...(recorded > 0 ? [] : ['no placement is recorded']), ...sides.flatMap(side => side.wrong)],
  };
}

/** A session has many calls: a fault of all of them is told a few times. */
const MOST_FAULTS = 4;

function expectedUnder(customer: Customer, kind: Kind, reading: string): Expected {
  return (kind === 'calls' ? UNDER[reading]?.[customer.id] : undefined) ?? customer[kind];
}

function clausesOf(row: WhatIfRow): readonly string[] {
  return [
    ...new Set(row.would_be.clauses.filter(clause => clause.effect !== 'permit').map(clause => clause.id)),
  ].toSorted();
}

function sideText(rows: readonly WhatIfRow[]): string {
  const [first] = rows;
  if (first === undefined) return 'nothing';
  const { outcome, cloud } = first.would_be;
  if (outcome !== 'placed') return `${outcome}: ${clausesOf(first).join(', ')}`;
  if (!first.changed) return cloud ?? 'nowhere';
  const why = clausesOf(first).join(', ');
  return `${(cloud ?? 'nowhere').toUpperCase()} ${why === '' ? '(allowed, cheaper)' : `(${why})`}`;
}
