/** The same traffic under the other readings of the same contract. */
import type { WhatIfRow } from '@perdure/protocol';
import { differs, type Told } from '../claims.ts';
import { CUSTOMERS, CUT_CUSTOMER, type Expected, STATELESS } from '../customers.ts';
import { citeOf, READING } from '../placed.ts';
import { columns } from '../report.ts';
import type { Stage } from '../stage.ts';
import type { Talk } from '../talk.ts';

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

const WIDTHS = [34, 9, 24, 27] as const;

export async function theReadings(stage: Stage): Promise<void> {
  const { claims, heading, say, readings, talks } = stage;
  heading('The same traffic under other readings of the same contract');
  say(`    ${columns(['', '', `${READING} (in force)`, ...readings], WIDTHS)}`);
  const traffic = [...CUSTOMERS.flatMap(customer => trafficOf(talks.get(customer.id))), ...statelessTraffic(stage)];
  for (const one of traffic) {
    await claims.check(`reading.${one.id}`, 'Another reading moves what it should move, and nothing else', () =>
      compare(stage, one),
    );
  }
}

/** Placements of one action, in the sessions that the given ones belong to. */
interface Traffic {
  readonly id: string;
  readonly customer: string;
  readonly title: string;
  readonly action: 'place_state' | 'infer';
  readonly placements: readonly string[];
  readonly now: Expected;
  readonly under: (reading: string) => Expected;
}

function trafficOf(talk: Talk | undefined): readonly Traffic[] {
  if (talk === undefined) return [];
  const { id, title, state, calls } = talk.customer;
  const placements = talk.turns.map(turn => turn.placement);
  return [
    { id: `${id}.state`, customer: id, title, action: 'place_state', placements, now: state, under: () => state },
    {
      id: `${id}.calls`,
      customer: id,
      title: '',
      action: 'infer',
      placements,
      now: calls,
      under: reading => UNDER[reading]?.[id] ?? calls,
    },
  ];
}

function statelessTraffic({ stateless }: Stage): readonly Traffic[] {
  if (stateless === null) return [];
  const common = {
    customer: CUT_CUSTOMER,
    title: 'Its call that kept nothing',
    now: STATELESS,
    under: () => STATELESS,
  };
  return [{ id: 'stateless', action: 'infer', placements: [stateless], ...common }];
}

async function compare({ perdure, readings }: Stage, traffic: Traffic): Promise<Told> {
  const { title, action, now } = traffic;
  const client = perdure(traffic.customer);
  const sessions = new Set<string>();
  for (const placement of traffic.placements) sessions.add((await client.placements.get(placement)).session);
  let recorded = 0;
  for (const session of sessions) {
    for await (const one of client.placements.each({ session, limit: 100 })) recorded += one.action === action ? 1 : 0;
  }
  const sides = await Promise.all(
    readings.map(async reading => {
      const result = await client.whatif.run({ reading, sessions: [...sessions] });
      const rows = result.rows.filter(row => row.action === action);
      return {
        reading,
        rows,
        text: sideText(rows),
        wrong: faults(reading, rows, recorded, now, traffic.under(reading)),
      };
    }),
  );
  const what = action === 'place_state' ? 'state' : recorded === 1 ? '1 call' : `${recorded} calls`;
  return {
    text: columns([title, what, sides[0]?.rows[0]?.was.cloud ?? 'nowhere', ...sides.map(side => side.text)], WIDTHS),
    cites: sides.flatMap(({ rows }) =>
      rows.filter(row => row.changed).flatMap(row => row.would_be.clauses.map(citeOf)),
    ),
    evidence: {
      placements: recorded,
      would_be: Object.fromEntries(sides.map(side => [side.reading, side.text])),
      changed: Object.fromEntries(sides.map(side => [side.reading, side.rows.filter(row => row.changed).length])),
    },
    wrong: [...(recorded > 0 ? [] : ['no placement is recorded']), ...sides.flatMap(side => side.wrong)],
  };
}

function faults(
  reading: string,
  rows: readonly WhatIfRow[],
  recorded: number,
  now: Expected,
  then: Expected,
): readonly string[] {
  const against = [...then.against].toSorted();
  const found = rows.flatMap(row => [
    ...differs(`${reading}: ${row.placement} was on`, row.was.cloud, now.cloud),
    ...differs(`${reading}: ${row.placement} would be on`, row.would_be.cloud, then.cloud),
    ...differs(`${reading}: against the others`, clausesOf(row), against),
    ...differs(`${reading}: ${row.placement} moves`, row.changed, now.cloud !== then.cloud),
  ]);
  return [...differs(`${reading}: placements replayed`, rows.length, recorded), ...found.slice(0, MOST_FAULTS)];
}

/** A session has many calls: a fault of all of them is told a few times. */
const MOST_FAULTS = 4;

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
