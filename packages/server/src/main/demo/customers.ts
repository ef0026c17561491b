/** The four customers, what they say, and where the contracts of 20 March 2026 put them. */
import type { FactName } from './facts.ts';

/** Where something must be, and what must speak against every other cloud: exactly these clauses; none: nothing forbids it there. */
export interface Expected {
  readonly cloud: 'azure' | 'aws';
  readonly against: readonly string[];
}

/** What a customer says in a turn: facts that are new, and a question about one of an earlier turn. */
export interface Line {
  readonly tells: readonly FactName[];
  readonly asks: { readonly about: FactName; readonly question: string } | null;
}

export interface Customer {
  /** Names key, tenant and claims. */
  readonly id: string;
  readonly title: string;
  readonly product: 'api' | 'frontier';
  readonly channel: 'direct' | 'bedrock';
  /** How its turns follow one another: both ways that the API has are shown. */
  readonly chain: 'previous_response_id' | 'conversation';
  readonly state: Expected;
  readonly calls: Expected & { readonly class: 'stateless' | 'stateful' };
  /** Ambiguous clauses that speak on each call and are only recorded. */
  readonly flagged: readonly string[];
  readonly lines: readonly [Line, ...Line[]];
  /** Asked after the restart, about the first turn. */
  readonly last: Line;
}

const tell = (...tells: FactName[]): Line => ({ tells, asks: null });
const ask = (about: FactName, question: string, ...tells: FactName[]): Line => ({ tells, asks: { about, question } });

export const CUSTOMERS: readonly Customer[] = [
  {
    id: 'api-direct',
    title: 'The API, bought from OpenAI',
    product: 'api',
    channel: 'direct',
    chain: 'previous_response_id',
    state: { cloud: 'azure', against: ['joint.first-party'] },
    calls: { cloud: 'azure', against: ['joint.first-party', 'joint.stateless'], class: 'stateless' },
    flagged: [],
    lines: [
      tell('azureCommitment', 'stake'),
      ask('stake', 'What stake did Microsoft keep?', 'panel'),
      ask('panel', 'Who has to verify AGI?', 'awsCompute'),
      ask('azureCommitment', 'How much did OpenAI commit to buy of Azure services?', 'revenueShare'),
    ],
    last: ask('azureCommitment', 'Again: what did OpenAI commit to buy of Azure services?'),
  },
  {
    id: 'api-bedrock',
    title: 'The API, bought through Bedrock',
    product: 'api',
    channel: 'bedrock',
    chain: 'previous_response_id',
    // No clause binds the state of an API product that a third party sells: of two that are allowed the first by name is taken.
    state: { cloud: 'aws', against: [] },
    calls: { cloud: 'azure', against: ['joint.stateless'], class: 'stateless' },
    flagged: ['joint.sellers'],
    lines: [
      tell('thirdPartyProducts', 'thirdPartyCalls'),
      ask('thirdPartyCalls', 'Where do stateless calls out of a collaboration with Amazon run?', 'sellers'),
      ask('sellers', 'From whom may customers buy stateless APIs?', 'awsCommitment'),
      ask('thirdPartyProducts', 'Where may a non-API product built with a third party run?', 'trainium'),
    ],
    last: ask('thirdPartyProducts', 'Again: where may a non-API product built with a third party run?'),
  },
  {
    id: 'frontier-direct',
    title: 'Frontier, bought from OpenAI',
    product: 'frontier',
    channel: 'direct',
    chain: 'conversation',
    state: { cloud: 'azure', against: ['joint.first-party'] },
    calls: { cloud: 'azure', against: ['joint.first-party'], class: 'stateful' },
    flagged: [],
    lines: [
      tell('firstParty', 'statelessOnAzure'),
      ask('firstParty', 'Where do first-party products such as Frontier belong?', 'microsoftsView'),
      ask('microsoftsView', 'What did Microsoft argue about a runtime without calls?', 'openaisView'),
      ask('openaisView', 'What did OpenAI and Amazon answer?', 'firstRefusal'),
    ],
    last: ask('statelessOnAzure', 'What does the joint statement keep Azure for?'),
  },
  {
    id: 'frontier-bedrock',
    title: 'Frontier, bought through Bedrock',
    product: 'frontier',
    channel: 'bedrock',
    chain: 'conversation',
    state: { cloud: 'aws', against: ['amzn.state'] },
    calls: { cloud: 'aws', against: ['amzn.inference'], class: 'stateful' },
    flagged: [],
    lines: [
      tell('distributor', 'investment'),
      ask('distributor', 'What did AWS become for Frontier?', 'inferredWhereBought'),
      ask('inferredWhereBought', 'Where does inference bought through AWS happen?', 'government'),
      ask('investment', 'How much does Amazon invest first?', 'awsCommitment'),
    ],
    last: ask('distributor', 'Again: what did AWS become for Frontier?'),
  },
];

/** Whose streaming turn is cut: its state and its calls lie where nobody else's do. */
export const CUT_CUSTOMER = 'frontier-bedrock';
export const CUT_LINE: Line = ask(
  'government',
  'In which regions may AWS distribute OpenAI to the US government?',
  'trainium',
);

/** Sells Frontier without the right to: refused wherever it would run. */
/** A call that keeps nothing, by the customer whose other calls run on AWS. */
export const STATELESS: Expected & { readonly class: 'stateless' } = {
  cloud: 'azure',
  against: ['joint.stateless'],
  class: 'stateless',
};

export const UNLICENSED = {
  id: 'frontier-azure',
  title: 'Frontier, sold by Microsoft',
  product: 'frontier',
  channel: 'azure',
} as const;
