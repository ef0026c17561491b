/** What the contract of 28 October 2025 decides on 15 December 2025, unless said. */
import type { CaseTable, PlaceCase, SaleCase } from './cases.test-support.ts';
import { CHANNELS, PRODUCTS } from './fixture.test-support.ts';

const december = Date.UTC(2025, 11, 15);
const february26 = Date.UTC(2026, 1, 27) - 1;
const { direct, bedrock, foundry, vertex } = CHANNELS;
const { api, frontier } = PRODUCTS;
const stateless = { stateHeld: false };
const agi = [{ id: 'agi-verified', date: '2025-12-15', source: 'a panel' }];

const PLACES: readonly PlaceCase[] = [
  { name: 'the API sold direct, on AWS', on: 'aws', by: ['oct.azure-api'] },
  { name: 'the API sold direct, on Azure', on: 'azure', by: [], permittedBy: ['base'] },
  { name: 'a stateless call sold direct, on AWS', call: { session: stateless }, on: 'aws', by: ['oct.azure-api'] },
  {
    name: 'an API product built with a third party, on its cloud',
    call: { session: { channel: bedrock } },
    on: 'aws',
    by: ['oct.azure-api', 'oct.third-party-api'],
  },
  {
    name: 'an API product built with a third party, on Azure',
    call: { session: { channel: bedrock } },
    on: 'azure',
    by: [],
    flagged: [],
  },
  {
    name: 'a non-API product built with a third party, on AWS',
    call: { session: { product: frontier, channel: bedrock } },
    on: 'aws',
    by: [],
    permittedBy: ['base', 'oct.non-api'],
  },
  {
    name: 'a stateless call of a non-API product: the product counts, not the call',
    call: { session: { ...stateless, product: frontier, channel: bedrock } },
    on: 'aws',
    by: [],
    permittedBy: ['base', 'oct.non-api'],
  },
  {
    name: 'a non-API product sold direct, on AWS',
    call: { session: { product: frontier } },
    on: 'aws',
    by: [],
  },
  {
    name: 'a non-API product, its state on Azure though AWS sold it',
    action: 'place_state',
    call: { session: { product: frontier, channel: bedrock } },
    on: 'home-azure',
    by: [],
    permittedBy: ['base'],
  },
  {
    name: 'the API for US national security, on a gov AWS region',
    call: { session: { segment: 'us-natsec' } },
    on: 'aws-gov',
    by: [],
    permittedBy: ['base', 'oct.natsec'],
  },
  {
    name: 'the API for the US government that is no national security, there',
    call: { session: { segment: 'us-gov' } },
    on: 'aws-gov',
    by: ['oct.azure-api'],
  },
  {
    name: 'a non-API product on AWS under microsoft',
    reading: 'microsoft',
    call: { session: { product: frontier, channel: bedrock } },
    on: 'aws',
    by: ['oct.azure-api', 'oct.third-party-api'],
  },
  {
    name: 'a stored API response through Bedrock on AWS under amazon-openai',
    reading: 'amazon-openai',
    call: { session: { channel: bedrock } },
    on: 'aws',
    by: [],
  },
  {
    name: 'a stateless call through Bedrock on AWS under amazon-openai',
    reading: 'amazon-openai',
    call: { session: { ...stateless, channel: bedrock } },
    on: 'aws',
    by: ['oct.azure-api', 'oct.third-party-api'],
  },
  {
    name: 'a Frontier session that did nothing with its state, under substance',
    reading: 'substance',
    call: {
      session: {
        product: frontier,
        use: { turns: 1, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 },
      },
    },
    on: 'aws',
    by: ['oct.azure-api'],
  },
  {
    name: 'a Frontier session that ran a tool, under substance',
    reading: 'substance',
    call: {
      session: {
        product: frontier,
        use: { turns: 1, itemsRead: 0, memoryReads: 0, toolsRun: 1, filesTouched: 0 },
      },
    },
    on: 'aws',
    by: [],
  },
  {
    name: 'the API sold direct, on AWS, once AGI is verified',
    events: agi,
    on: 'aws',
    by: [],
    flagged: [],
    permittedBy: ['base'],
  },
  {
    name: 'the day before AGI is verified',
    events: agi,
    call: { at: december - 1 },
    on: 'aws',
    by: ['oct.azure-api'],
  },
  {
    name: 'an API product built with a third party, on AWS, once AGI is verified: ambiguous',
    events: agi,
    call: { session: { channel: bedrock } },
    on: 'aws',
    by: [],
    flagged: ['oct.third-party-agi'],
  },
  {
    name: 'the same, where ambiguity is refused',
    events: agi,
    onAmbiguity: 'refuse',
    call: { session: { channel: bedrock } },
    on: 'aws',
    by: ['oct.third-party-agi'],
  },
  {
    name: "another vendor's model on AWS is not bound",
    contracts: ['openai-2025-10', 'data-handling'],
    call: { vendor: 'anthropic', model: 'claude', session: { channel: bedrock } },
    on: 'claude-aws',
    by: [],
    permittedBy: ['data.base'],
  },
  {
    name: 'before 28 October 2025',
    call: { at: Date.UTC(2025, 9, 28) - 1 },
    on: 'azure',
    by: ['no-contract-in-force'],
    code: 'no_contract_in_force',
  },
  { name: 'on 28 October 2025', call: { at: Date.UTC(2025, 9, 28) }, on: 'azure', by: [] },
  { name: 'on 26 February 2026', call: { at: february26 }, on: 'aws', by: ['oct.azure-api'] },
  {
    name: 'on 27 February 2026, alone',
    call: { at: february26 + 1 },
    on: 'azure',
    by: ['no-contract-in-force'],
    code: 'no_contract_in_force',
  },
];

const SALES: readonly SaleCase[] = [
  {
    name: 'the API by Microsoft',
    product: api,
    channel: foundry,
    by: [],
    permittedBy: ['distribute.base', 'oct.licence'],
  },
  { name: 'the API by OpenAI', product: api, channel: direct, by: [], permittedBy: ['distribute.base'] },
  { name: 'Frontier by another third party', product: frontier, channel: vertex, by: [] },
];

export const OCTOBER: CaseTable = { contracts: ['openai-2025-10'], at: december, places: PLACES, sales: SALES };
