/** What the contract of 27 February 2026 decides on 20 March 2026, unless said; and beside the others. */
import type { CaseTable, PlaceCase, SaleCase } from './cases.test-support.ts';
import { CHANNELS, PRODUCTS } from './fixture.test-support.ts';

const april26 = Date.UTC(2026, 3, 27) - 1;
const april27 = Date.UTC(2026, 3, 27);
const { direct, bedrock, foundry, vertex } = CHANNELS;
const { api, frontier } = PRODUCTS;
const stateless = { stateHeld: false };
const frontierByAws = { product: frontier, channel: bedrock };
const frontierDirect = { product: frontier, channel: direct };
const claude = { vendor: 'anthropic', model: 'claude' };
const UNUSED = { turns: 0, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 };
const agi = [{ id: 'agi-verified', date: '2026-03-20', source: 'a panel' }];

const PLACES: readonly PlaceCase[] = [
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
    contracts: ['openai-2026-02', 'data-handling'],
  },
  {
    name: 'another vendor, with the API through Bedrock, stateless',
    call: { ...claude, session: { ...stateless, channel: bedrock } },
    on: 'claude-aws',
    by: [],
    flagged: [],
    permittedBy: ['data.base'],
    contracts: ['openai-2026-02', 'data-handling'],
  },
  {
    name: 'stateless on AWS on 26 April',
    contracts: ['openai-2026-02', 'openai-2026-04'],
    call: { at: april26, session: { ...stateless, channel: bedrock } },
    on: 'aws',
    by: ['joint.stateless'],
    flagged: ['joint.sellers'],
  },
  {
    name: 'stateless on AWS on 27 April',
    contracts: ['openai-2026-02', 'openai-2026-04'],
    call: { at: april27, session: { ...stateless, channel: bedrock } },
    on: 'aws',
    by: [],
    flagged: ['april.azure-first.and', 'april.azure-first.or'],
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
    name: 'data rules alone are no contract that lapsed',
    contracts: ['openai-2026-02', 'data-handling'],
    call: { at: april27 },
    on: 'azure',
    by: ['no-contract-in-force'],
    code: 'no_contract_in_force',
  },
  {
    name: 'a stateless call through Bedrock, on AWS, on the day on which AGI is verified',
    events: agi,
    call: { session: { ...stateless, channel: bedrock } },
    on: 'aws',
    by: [],
    flagged: ['joint.sellers'],
  },
  {
    name: 'a stored API response through Bedrock that was the only turn, on AWS under substance',
    reading: 'substance',
    call: { session: { channel: bedrock, use: { ...UNUSED, turns: 1 } } },
    on: 'aws',
    by: ['joint.stateless'],
  },
  {
    name: 'one that read its history, on AWS under substance',
    reading: 'substance',
    call: { session: { channel: bedrock, use: { ...UNUSED, turns: 2, itemsRead: 3 } } },
    on: 'aws',
    by: [],
  },
  {
    name: 'a stateless call sold direct, on AWS, on that day: a first-party product still',
    events: agi,
    call: { session: stateless },
    on: 'aws',
    by: ['joint.first-party'],
  },
];

const SALES: readonly SaleCase[] = [
  { name: 'Frontier by AWS', product: frontier, channel: bedrock, by: [] },
  { name: 'Frontier by OpenAI', product: frontier, channel: direct, by: [], permittedBy: ['distribute.base'] },
  { name: 'Frontier by another third party', product: frontier, channel: vertex, by: ['amzn.distribution'] },
  { name: 'the API by AWS: ambiguous', product: api, channel: bedrock, by: [], flagged: ['joint.sellers'] },
  {
    name: 'the API by AWS, where ambiguity is refused',
    onAmbiguity: 'refuse',
    product: api,
    channel: bedrock,
    by: ['joint.sellers'],
  },
  { name: 'the API by Microsoft', product: api, channel: foundry, by: [] },
];

export const FEBRUARY: CaseTable = { contracts: ['openai-2026-02'], places: PLACES, sales: SALES };
