/** What the operator's own rules decide, and those of an example customer. */
import type { CaseTable } from './cases.test-support.ts';
import { CHANNELS, PRODUCTS, target, home, PLACES } from './fixture.test-support.ts';

const stateless = { stateHeld: false };

export const DATA_HANDLING: CaseTable = {
  contracts: ['data-handling'],
  places: [
    {
      name: 'data labelled us-gov, to a commercial region',
      contracts: ['data-handling'],
      call: { requestLabels: ['us-gov'] },
      on: 'aws',
      by: ['data.clearance', 'data.us-gov'],
    },
    {
      name: 'data labelled us-gov, to a gov region',
      contracts: ['data-handling'],
      call: { requestLabels: ['us-gov'] },
      on: 'aws-gov',
      by: [],
    },
    {
      name: 'a session that has read restricted, to a place not cleared',
      contracts: ['data-handling'],
      call: { sessionLabels: ['restricted'] },
      on: 'aws',
      by: ['data.clearance'],
    },
    {
      name: 'a session that has read restricted, to a place cleared',
      contracts: ['data-handling'],
      call: { sessionLabels: ['restricted'] },
      on: 'azure',
      by: [],
    },
    {
      name: 'a stateless call whose content is restricted, to a place not cleared',
      contracts: ['data-handling'],
      call: { requestLabels: ['restricted'], session: stateless },
      on: 'aws',
      by: ['data.clearance'],
    },
  ],
  sales: [
    {
      name: 'what has no rule may be sold',
      product: PRODUCTS.api,
      channel: CHANNELS.bedrock,
      by: [],
      permittedBy: ['data.base'],
    },
  ],
};

const WIDER = [
  ...PLACES,
  target('azure-eu', 'azure', { region: 'swedencentral', jurisdiction: 'eu', clearances: ['eu', 'restricted'] }),
  target('oracle-eu', 'oracle', { region: 'eu-frankfurt-1', jurisdiction: 'eu' }),
  home('home-eu', 'aws', { region: 'eu-central-1', jurisdiction: 'eu' }),
  home('home-oracle', 'oracle'),
];

export const EXAMPLE_ACME: CaseTable = {
  contracts: ['example-acme'],
  allPlaces: WIDER,
  places: [
    { name: 'a call without labels, anywhere', on: 'aws', by: [], permittedBy: ['acme.base'] },
    {
      name: 'a session that has read EU data, in the US',
      call: { sessionLabels: ['eu'] },
      on: 'azure',
      by: ['acme.eu-stays'],
    },
    { name: 'the same, in the EU', call: { sessionLabels: ['eu'] }, on: 'azure-eu', by: [] },
    {
      name: 'a stateless call that carries EU data, in the US',
      call: { requestLabels: ['eu'], session: stateless },
      on: 'aws',
      by: ['acme.eu-stays'],
    },
    {
      name: 'the state of EU data, in the US',
      action: 'place_state',
      call: { sessionLabels: ['eu'] },
      on: 'home-aws',
      by: ['acme.eu-stays'],
    },
    {
      name: 'the state of EU data, in the EU',
      action: 'place_state',
      call: { sessionLabels: ['eu'] },
      on: 'home-eu',
      by: [],
    },
    {
      name: 'an export of EU data, to the US',
      action: 'egress',
      call: { sessionLabels: ['eu'] },
      on: 'home-azure',
      by: ['acme.eu-stays'],
    },
    {
      name: 'restricted data, to a place not cleared',
      call: { sessionLabels: ['restricted'] },
      on: 'aws',
      by: ['acme.restricted'],
    },
    {
      name: 'restricted data, to a place cleared',
      call: { requestLabels: ['restricted'] },
      on: 'azure',
      by: [],
    },
    {
      name: 'restricted EU data, to a US place that is cleared',
      call: { sessionLabels: ['eu', 'restricted'] },
      on: 'azure',
      by: ['acme.eu-stays'],
    },
    {
      name: 'a tool with restricted data, where it is not cleared',
      action: 'execute',
      call: { sessionLabels: ['restricted'] },
      on: 'home-aws',
      by: ['acme.restricted'],
    },
    { name: 'anything on Oracle', on: 'oracle-eu', by: ['acme.no-oracle'] },
    { name: 'state on Oracle', action: 'place_state', on: 'home-oracle', by: ['acme.no-oracle'] },
    {
      name: "beside the vendors' contract: both bind",
      contracts: ['openai-2026-02', 'example-acme'],
      call: { sessionLabels: ['eu'], session: stateless },
      on: 'aws',
      by: ['acme.eu-stays', 'joint.first-party', 'joint.stateless'],
    },
    {
      name: 'it is no contract that could be in force over OpenAI',
      contracts: ['openai-2025-10', 'example-acme'],
      on: 'azure',
      by: ['no-contract-in-force'],
      code: 'no_contract_in_force',
    },
  ],
  sales: [],
};
