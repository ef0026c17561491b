/** What the February 2026 contract, its successor and the operator's data rules decide: case by case, each naming its clause. */
import { describe, expect, test } from 'vitest';
import type { Contract } from '../contract/contract.ts';
import { decide, decideDistribution } from './decide.ts';
import type { Action } from './facts.ts';
import {
  APRIL,
  CHANNELS,
  type CallParts,
  call,
  type Files,
  load,
  MARCH,
  PRODUCTS,
  shippedFiles,
  snapshotOf,
} from './fixture.test-support.ts';

const FILES = { february: shippedFiles('openai-2026-02'), april: APRIL, data: shippedFiles('data-handling') };
type Sets = Readonly<Record<keyof typeof FILES, Contract>>;

interface PlaceCase {
  readonly name: string;
  readonly action?: Action;
  readonly reading?: string;
  readonly contracts?: readonly (keyof typeof FILES)[];
  readonly call?: CallParts;
  /** The place asked about. */
  readonly on: string;
  /** Clauses that exclude it; empty where it is allowed. */
  readonly by: readonly string[];
  /** Ambiguous clauses that are recorded. */
  readonly flagged?: readonly string[];
  /** The clauses that permit it, where the case is about them. */
  readonly permittedBy?: readonly string[];
  readonly code?: string;
}

const april26 = Date.UTC(2026, 3, 27) - 1;
const april27 = Date.UTC(2026, 3, 27);
const { direct, bedrock, foundry, vertex } = CHANNELS;
const { api, frontier } = PRODUCTS;
const stateless = { stateHeld: false };
const frontierByAws = { product: frontier, channel: bedrock };
const frontierDirect = { product: frontier, channel: direct };
const claude = { vendor: 'anthropic', model: 'claude' };

const CASES: readonly PlaceCase[] = [
  {
    name: 'a stateless call sold direct, on AWS',
    call: { session: stateless },
    on: 'aws',
    by: ['joint.first-party', 'joint.stateless'],
  },
  {
    name: 'a stateless call sold direct, on Azure',
    call: { session: stateless },
    on: 'azure',
    by: [],
    permittedBy: ['base'],
  },
  {
    name: 'a stateless call through Bedrock, on AWS',
    call: { session: { ...stateless, channel: bedrock } },
    on: 'aws',
    by: ['joint.stateless'],
    flagged: ['joint.sellers'],
  },
  {
    name: 'a stateless call through Bedrock, on Azure',
    call: { session: { ...stateless, channel: bedrock } },
    on: 'azure',
    by: [],
    flagged: ['joint.sellers'],
  },
  {
    name: 'a stateless call sold by Microsoft, on Azure',
    call: { session: { ...stateless, channel: foundry } },
    on: 'azure',
    by: [],
    flagged: [],
  },
  {
    name: 'a stored API response through Bedrock, on AWS',
    call: { session: { channel: bedrock } },
    on: 'aws',
    by: ['joint.stateless'],
    flagged: ['joint.sellers'],
  },
  {
    name: 'the same under amazon-openai: the loophole',
    reading: 'amazon-openai',
    call: { session: { channel: bedrock } },
    on: 'aws',
    by: [],
    flagged: ['joint.sellers'],
  },
  {
    name: 'a stateless call through Bedrock on AWS under amazon-openai',
    reading: 'amazon-openai',
    call: { session: { ...stateless, channel: bedrock } },
    on: 'aws',
    by: ['joint.stateless'],
    flagged: ['joint.sellers'],
  },
  {
    name: 'US national security, on a gov AWS region',
    call: { session: { ...stateless, segment: 'us-natsec' } },
    on: 'aws-gov',
    by: [],
  },
  { name: 'a Frontier session through Bedrock, on AWS', call: { session: frontierByAws }, on: 'aws', by: [] },
  { name: 'its compaction', call: { session: frontierByAws, purpose: 'compaction' }, on: 'aws', by: [] },
  { name: 'its sub-agent', call: { session: frontierByAws, purpose: 'subagent' }, on: 'aws', by: [] },
  {
    name: 'a Frontier session through Bedrock, on Azure',
    call: { session: frontierByAws },
    on: 'azure',
    by: ['amzn.inference'],
  },
  {
    name: 'under microsoft, on AWS',
    reading: 'microsoft',
    call: { session: frontierByAws },
    on: 'aws',
    by: ['joint.stateless'],
  },
  { name: 'under microsoft, on Azure', reading: 'microsoft', call: { session: frontierByAws }, on: 'azure', by: [] },
  {
    name: 'under microsoft, its state on AWS',
    reading: 'microsoft',
    action: 'place_state',
    call: { session: frontierByAws },
    on: 'home-aws',
    by: [],
  },
  {
    name: 'a stateless call with a Frontier key through Bedrock, on AWS',
    call: { session: { ...frontierByAws, ...stateless } },
    on: 'aws',
    by: ['joint.stateless'],
  },
  {
    name: 'a stateless call with a Frontier key through Bedrock, on Azure',
    call: { session: { ...frontierByAws, ...stateless } },
    on: 'azure',
    by: [],
  },
  {
    name: 'the state of a Frontier session through Bedrock, on Azure',
    action: 'place_state',
    call: { session: frontierByAws },
    on: 'home-azure',
    by: ['amzn.state'],
  },
  { name: 'its state on AWS', action: 'place_state', call: { session: frontierByAws }, on: 'home-aws', by: [] },
  {
    name: 'its tools on Azure',
    action: 'execute',
    call: { session: frontierByAws },
    on: 'home-azure',
    by: ['amzn.state'],
  },
  { name: 'its exports to Azure', action: 'egress', call: { session: frontierByAws }, on: 'home-azure', by: [] },
  {
    name: 'a Frontier session sold direct, on AWS',
    call: { session: frontierDirect },
    on: 'aws',
    by: ['joint.first-party'],
  },
  { name: 'a Frontier session sold direct, on Azure', call: { session: frontierDirect }, on: 'azure', by: [] },
  {
    name: 'its state on AWS',
    action: 'place_state',
    call: { session: frontierDirect },
    on: 'home-aws',
    by: ['joint.first-party'],
  },
  {
    name: 'Frontier sold by a third party that is not AWS',
    call: { session: { product: frontier, channel: vertex } },
    on: 'azure',
    by: ['amzn.distribution'],
  },
  {
    name: 'another vendor, with Frontier sold direct, on AWS',
    call: { ...claude, session: frontierDirect },
    on: 'claude-aws',
    by: [],
    permittedBy: ['data.base'],
    contracts: ['february', 'data'],
  },
  {
    name: 'another vendor, with the API through Bedrock, stateless',
    call: { ...claude, session: { ...stateless, channel: bedrock } },
    on: 'claude-aws',
    by: [],
    flagged: [],
    permittedBy: ['data.base'],
    contracts: ['february', 'data'],
  },
  {
    name: 'stateless on AWS on 26 April',
    contracts: ['february', 'april'],
    call: { at: april26, session: { ...stateless, channel: bedrock } },
    on: 'aws',
    by: ['joint.stateless'],
    flagged: ['joint.sellers'],
  },
  {
    name: 'stateless on AWS on 27 April',
    contracts: ['february', 'april'],
    call: { at: april27, session: { ...stateless, channel: bedrock } },
    on: 'aws',
    by: [],
    flagged: ['april.azure-first'],
    permittedBy: ['april.any-cloud'],
  },
  {
    name: 'on 27 April with only the February contract',
    call: { at: april27, session: stateless },
    on: 'azure',
    by: ['no-contract-in-force'],
    code: 'no_contract_in_force',
  },
  {
    name: 'before the February contract',
    call: { at: Date.UTC(2026, 1, 27) - 1 },
    on: 'azure',
    by: ['no-contract-in-force'],
    code: 'no_contract_in_force',
  },
  {
    name: 'data labelled us-gov, to a commercial region',
    contracts: ['data'],
    call: { requestLabels: ['us-gov'] },
    on: 'aws',
    by: ['data.clearance', 'data.us-gov'],
  },
  {
    name: 'data labelled us-gov, to a gov region',
    contracts: ['data'],
    call: { requestLabels: ['us-gov'] },
    on: 'aws-gov',
    by: [],
  },
  {
    name: 'a session that has read restricted, to a place not cleared',
    contracts: ['data'],
    call: { sessionLabels: ['restricted'] },
    on: 'aws',
    by: ['data.clearance'],
  },
  {
    name: 'a session that has read restricted, to a place cleared',
    contracts: ['data'],
    call: { sessionLabels: ['restricted'] },
    on: 'azure',
    by: [],
  },
  {
    name: 'a stateless call whose content is restricted, to a place not cleared',
    contracts: ['data'],
    call: { requestLabels: ['restricted'], session: stateless },
    on: 'aws',
    by: ['data.clearance'],
  },
  {
    name: 'data rules alone are no contract that lapsed',
    contracts: ['february', 'data'],
    call: { at: april27 },
    on: 'azure',
    by: ['no-contract-in-force'],
    code: 'no_contract_in_force',
  },
];

function decisionOf(one: PlaceCase, sets: Sets) {
  const contracts = (one.contracts ?? ['february']).map(name => sets[name]);
  const readings = one.reading === undefined ? {} : { 'openai-2026-02': one.reading };
  return decide(snapshotOf(contracts, { readings }), one.action ?? 'infer', call(one.call), {});
}

function outcomeOf(one: PlaceCase, sets: Sets) {
  const decision = decisionOf(one, sets);
  const row = decision.rows.find(({ place }) => place === one.on);
  if (row === undefined) throw new Error(`no row for ${one.on}`);
  const named = (list: typeof row.exclusions) => list.map(e => ('clause' in e ? e.clause : e.kind)).toSorted();
  return {
    verdict: row.verdict === 'chosen' ? 'eligible' : row.verdict,
    by: named(row.exclusions),
    flagged: named(row.flagged),
    permits: row.permits.map(clause => clause.clause),
    code: decision.code,
  };
}

const SETS: Sets = { february: load(FILES.february), april: load(FILES.april), data: load(FILES.data) };

describe('places', () => {
  test.each(CASES.map(one => [`${one.name} [${one.by.join(', ') || 'allowed'}]`, one] as const))('%s', (_, one) => {
    const outcome = outcomeOf(one, SETS);
    expect(outcome.by).toEqual(one.by);
    expect(outcome.verdict).toBe(one.by.length === 0 ? 'eligible' : 'excluded');
    if (one.flagged !== undefined) expect(outcome.flagged).toEqual(one.flagged);
    if (one.permittedBy !== undefined) expect(outcome.permits).toEqual(one.permittedBy);
    if (one.code !== undefined) expect(outcome.code).toBe(one.code);
  });
});

const SALES = [
  { name: 'Frontier by AWS', product: frontier, channel: bedrock, outcome: 'allowed', by: [], flagged: [] },
  { name: 'Frontier by OpenAI', product: frontier, channel: direct, outcome: 'allowed', by: [], flagged: [] },
  {
    name: 'Frontier by another third party',
    product: frontier,
    channel: vertex,
    outcome: 'refused',
    by: ['amzn.distribution'],
    flagged: [],
  },
  {
    name: 'the API by AWS: ambiguous',
    product: api,
    channel: bedrock,
    outcome: 'allowed',
    by: [],
    flagged: ['joint.sellers'],
  },
  { name: 'the API by Microsoft', product: api, channel: foundry, outcome: 'allowed', by: [], flagged: [] },
] as const;

function saleOf(one: (typeof SALES)[number], february: Contract, onAmbiguity: 'flag' | 'refuse' = 'flag') {
  const decision = decideDistribution(
    snapshotOf([february], { onAmbiguity }),
    one.channel,
    one.product,
    'commercial',
    MARCH,
  );
  const named = decision.exclusions.map(e => ('clause' in e ? e.clause : e.kind));
  const flagged = decision.flagged.map(({ exclusion: e }) => ('clause' in e ? e.clause : e.kind));
  return { outcome: decision.outcome, by: named, flagged, permits: decision.permits.map(clause => clause.clause) };
}

describe('sales', () => {
  test.each(SALES.map(one => [one.name, one] as const))('%s', (_, one) => {
    const { outcome, by, flagged } = saleOf(one, SETS.february);
    expect({ outcome, by, flagged }).toEqual({ outcome: one.outcome, by: [...one.by], flagged: [...one.flagged] });
  });

  test('an ambiguous clause refuses where the operator wants to be sure', () => {
    const sale = SALES.find(one => one.name.startsWith('the API by AWS'));
    expect(sale && saleOf(sale, SETS.february, 'refuse')).toMatchObject({ outcome: 'refused', by: ['joint.sellers'] });
  });
});

/** The files without one policy, and without its entry in the manifest. */
function without(files: Files, id: string): Files {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => {
      if (path.endsWith('.yaml'))
        return [path, text.replace(new RegExp(`^  ${id.replaceAll('.', '\\.')}: \\{.*\\}\\n`, 'm'), '')];
      return [path, text.replace(new RegExp(`@id\\("${id.replaceAll('.', '\\.')}"\\)[^]*?;\n`), '')];
    }),
  );
}

describe('every clause is needed by some case', () => {
  const deletable = (['february', 'april', 'data'] as const).flatMap(set => {
    const ids = SETS[set].clauses.filter(({ reading }) => reading !== 'substance').map(({ clause }) => clause);
    return ids.map(id => [set, id] as const);
  });

  test('there are clauses to delete', () => {
    expect(deletable.length).toBe(16);
  });

  test.each(deletable)('%s without %s', (set, id) => {
    const maimed: Sets = { ...SETS, [set]: load(without(FILES[set], id)) };
    expect(maimed[set].clauses.length).toBe(SETS[set].clauses.length - 1);
    const changed = CASES.filter(
      one => JSON.stringify(outcomeOf(one, maimed)) !== JSON.stringify(outcomeOf(one, SETS)),
    );
    const sales = SALES.filter(
      one => JSON.stringify(saleOf(one, maimed.february)) !== JSON.stringify(saleOf(one, SETS.february)),
    );
    expect(changed.length + sales.length).toBeGreaterThan(0);
  });
});
