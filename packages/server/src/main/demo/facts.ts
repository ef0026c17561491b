/**
 * What public reporting said on 20 March 2026, in our words: the contract texts are not public. A: a filing; B: several reports agree on
 * an official text; C: press or unnamed sources. Nothing later than that day is here: the demo's contracts see no later day either.
 */
export type Confidence = 'A' | 'B' | 'C';

export interface Fact {
  readonly date: string;
  readonly confidence: Confidence;
  readonly source: string;
  /** One statement, without a stop at its end. */
  readonly says: string;
  /** The words by which an answer shows that it knows the fact. They stand in `says`. */
  readonly key: string;
}

export type FactName =
  | 'azureCommitment'
  | 'stake'
  | 'firstRefusal'
  | 'thirdPartyProducts'
  | 'panel'
  | 'awsCompute'
  | 'statelessOnAzure'
  | 'thirdPartyCalls'
  | 'firstParty'
  | 'revenueShare'
  | 'sellers'
  | 'distributor'
  | 'investment'
  | 'awsCommitment'
  | 'trainium'
  | 'inferredWhereBought'
  | 'government'
  | 'microsoftsView'
  | 'openaisView';

export const FACTS: { readonly [name in FactName]: Fact } = {
  azureCommitment: {
    date: '2025-10-28',
    confidence: 'A',
    source: 'sec.gov filing 0001193125-25-256321',
    says: 'OpenAI committed to buy a further $250 billion of Azure services',
    key: '$250 billion',
  },
  stake: {
    date: '2025-10-28',
    confidence: 'A',
    source: 'sec.gov filing 0001193125-25-256321',
    says: 'Microsoft kept a stake of about 27 percent in OpenAI',
    key: '27 percent',
  },
  firstRefusal: {
    date: '2025-10-28',
    confidence: 'A',
    source: 'sec.gov filing 0001193125-25-256321',
    says: 'the right of first refusal on compute, which Microsoft had held, ended',
    key: 'first refusal',
  },
  thirdPartyProducts: {
    date: '2025-10-28',
    confidence: 'B',
    source: 'glennklockwood.com garden/OpenAI-x-Microsoft',
    says: 'an API product built with a third party runs on Azure only, and a non-API product on any cloud',
    key: 'on any cloud',
  },
  panel: {
    date: '2025-10-28',
    confidence: 'B',
    source: 'volknews.com 2025/10/28',
    says: 'the exclusivity of the API lasts until AGI, which a panel of experts has to verify',
    key: 'panel of experts',
  },
  awsCompute: {
    date: '2025-11-03',
    confidence: 'B',
    source: 'tomshardware.com',
    says: 'OpenAI agreed to buy compute worth $38 billion from AWS',
    key: '$38 billion',
  },
  statelessOnAzure: {
    date: '2026-02-27',
    confidence: 'B',
    source: 'docsdigest.com openai-news/187',
    says: 'the joint statement keeps Azure the exclusive cloud for stateless APIs to OpenAI models',
    key: 'exclusive cloud',
  },
  thirdPartyCalls: {
    date: '2026-02-27',
    confidence: 'B',
    source: 'docsdigest.com openai-news/187',
    says: 'stateless calls that come out of a collaboration with Amazon are hosted on Azure too',
    key: 'hosted on Azure',
  },
  firstParty: {
    date: '2026-02-27',
    confidence: 'B',
    source: 'docsdigest.com openai-news/187',
    says: 'first-party products, Frontier included, stay on Azure',
    key: 'stay on Azure',
  },
  revenueShare: {
    date: '2026-02-27',
    confidence: 'B',
    source: 'techbuzz.ai',
    says: 'the revenue share is unchanged and covers revenue through other clouds',
    key: 'other clouds',
  },
  sellers: {
    date: '2026-02-27',
    confidence: 'B',
    source: 'techbuzz.ai',
    says: 'customers may buy stateless APIs from Microsoft or straight from OpenAI',
    key: 'straight from OpenAI',
  },
  distributor: {
    date: '2026-02-27',
    confidence: 'A',
    source: 'secwatch.observer filing 0001104659-26-021050',
    says: 'AWS became the exclusive third-party distributor of Frontier',
    key: 'exclusive third-party',
  },
  investment: {
    date: '2026-02-27',
    confidence: 'A',
    source: 'secwatch.observer filing 0001104659-26-021050',
    says: 'Amazon invests $15 billion first, and $35 billion more under conditions',
    key: '$15 billion',
  },
  awsCommitment: {
    date: '2026-02-27',
    confidence: 'A',
    source: 'secwatch.observer filing 0001104659-26-021050',
    says: 'OpenAI spends $100 billion more on AWS over eight years',
    key: '$100 billion',
  },
  trainium: {
    date: '2026-02-27',
    confidence: 'A',
    source: 'secwatch.observer filing 0001104659-26-021050',
    says: 'the agreement reserves about 2 gigawatts of Trainium capacity',
    key: '2 gigawatts',
  },
  inferredWhereBought: {
    date: '2026-02-27',
    confidence: 'C',
    source: 'news.diekerit.com',
    says: 'inference bought through AWS happens on Bedrock, and inference bought from OpenAI on Azure',
    key: 'on Bedrock',
  },
  government: {
    date: '2026-03-17',
    confidence: 'C',
    source: 'kukarella.com',
    says: 'AWS may distribute OpenAI to the US government, in GovCloud and classified regions',
    key: 'GovCloud',
  },
  microsoftsView: {
    date: '2026-03-18',
    confidence: 'C',
    source: 'techspot.com 111730',
    says: 'Microsoft argued that a stateful runtime without stateless calls is infeasible',
    key: 'infeasible',
  },
  openaisView: {
    date: '2026-03-18',
    confidence: 'C',
    source: 'techspot.com 111730',
    says: 'OpenAI and Amazon answered that a stateful runtime is a different, non-API product',
    key: 'different, non-API',
  },
};

/** A fact as a customer tells it: one sentence, with its day, confidence and source. */
export function told(name: FactName): string {
  const { date, confidence, source, says } = FACTS[name];
  return `${says[0]?.toUpperCase()}${says.slice(1)} (${date}, confidence ${confidence}, ${source}).`;
}
