/** What the contracts decide from 27 April 2026 on: on 10 May 2026, unless said. And the three eras together. */
import type { CaseTable, PlaceCase, SaleCase } from './cases.test-support.ts';
import type { FirstRefusal } from './facts.ts';
import { CHANNELS, PRODUCTS } from './fixture.test-support.ts';

const may = Date.UTC(2026, 4, 10);
const { direct, bedrock, foundry, vertex } = CHANNELS;
const { api, frontier } = PRODUCTS;
const stateless = { stateHeld: false };
const bedrockStateless = { ...stateless, channel: bedrock };
const frontierByAws = { product: frontier, channel: bedrock };
const BOTH = ['april.azure-first.and', 'april.azure-first.or'] as const;
const cannot = [{ id: 'azure-cannot-support', date: '2026-05-04', source: 'a letter' }];

function offer(answer: FirstRefusal['answer'], product: string | null = null): readonly FirstRefusal[] {
  return [{ id: 'azure-first', product, offered: '2026-04-28', deadline: '2026-05-09', answer, source: 'letters' }];
}

const declined = offer({ kind: 'declined', date: '2026-05-08' });

const PLACES: readonly PlaceCase[] = [
  {
    name: 'a stateless call through Bedrock, on AWS',
    call: { session: bedrockStateless },
    on: 'aws',
    by: [],
    flagged: BOTH,
    permittedBy: ['april.any-cloud'],
  },
  { name: 'a stored API response sold direct, on AWS', on: 'aws', by: [], flagged: BOTH },
  { name: 'on Azure nothing is ambiguous', call: { session: bedrockStateless }, on: 'azure', by: [], flagged: [] },
  {
    name: 'on AWS, where ambiguity is refused',
    onAmbiguity: 'refuse',
    call: { session: bedrockStateless },
    on: 'aws',
    by: BOTH,
  },
  {
    name: 'Azure cannot support it: excused under one reading, not under the other',
    events: cannot,
    call: { session: bedrockStateless },
    on: 'aws',
    by: [],
    flagged: ['april.azure-first.and'],
  },
  {
    name: 'the same before Azure said so',
    events: cannot,
    call: { at: Date.UTC(2026, 4, 4) - 1, session: bedrockStateless },
    on: 'aws',
    by: [],
    flagged: BOTH,
  },
  {
    name: 'Microsoft chose not to: excused under one reading, not under the other',
    firstRefusals: declined,
    call: { session: bedrockStateless },
    on: 'aws',
    by: [],
    flagged: ['april.azure-first.and'],
  },
  {
    name: 'cannot, and chose not to: excused under both',
    events: cannot,
    firstRefusals: declined,
    onAmbiguity: 'refuse',
    call: { session: bedrockStateless },
    on: 'aws',
    by: [],
    flagged: [],
  },
  {
    name: 'offered and not answered yet',
    firstRefusals: declined,
    call: { at: Date.UTC(2026, 4, 8) - 1, session: bedrockStateless },
    on: 'aws',
    by: [],
    flagged: BOTH,
  },
  {
    name: 'silence until the deadline is no choice',
    firstRefusals: offer(null),
    call: { session: bedrockStateless },
    on: 'aws',
    by: [],
    flagged: BOTH,
  },
  {
    name: 'what was declined for one product says nothing of another',
    firstRefusals: offer({ kind: 'declined', date: '2026-05-08' }, 'frontier'),
    call: { session: bedrockStateless },
    on: 'aws',
    by: [],
    flagged: BOTH,
  },
  {
    name: 'what was declined for the product',
    firstRefusals: offer({ kind: 'declined', date: '2026-05-08' }, 'api'),
    call: { session: bedrockStateless },
    on: 'aws',
    by: [],
    flagged: ['april.azure-first.and'],
  },
  { name: 'a Frontier session through Bedrock, on AWS', call: { session: frontierByAws }, on: 'aws', by: [] },
  {
    name: 'a Frontier session through Bedrock, on Azure: as Amazon agreed',
    call: { session: frontierByAws },
    on: 'azure',
    by: ['amzn.inference'],
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
  {
    name: 'a Frontier session sold direct, on AWS',
    call: { session: { product: frontier } },
    on: 'aws',
    by: [],
    flagged: BOTH,
  },
  {
    name: 'its state on AWS',
    action: 'place_state',
    call: { session: { product: frontier } },
    on: 'home-aws',
    by: [],
    flagged: [],
  },
  {
    name: 'Frontier sold by a third party that is not AWS',
    call: { session: { product: frontier, channel: vertex } },
    on: 'azure',
    by: ['amzn.distribution'],
  },
  {
    name: 'on 26 April 2026, alone',
    call: { at: Date.UTC(2026, 3, 27) - 1 },
    on: 'azure',
    by: ['no-contract-in-force'],
    code: 'no_contract_in_force',
  },
  { name: 'in 2040: no end was reported', call: { at: Date.UTC(2040, 0, 1) }, on: 'aws', by: [] },
];

const SALES: readonly SaleCase[] = [
  {
    name: 'the API by Microsoft',
    product: api,
    channel: foundry,
    by: [],
    permittedBy: ['april.any-seller', 'april.licence'],
  },
  {
    name: 'the API by Microsoft on the last day of 2032',
    at: Date.UTC(2033, 0, 1) - 1,
    product: api,
    channel: foundry,
    by: [],
    permittedBy: ['april.any-seller', 'april.licence'],
  },
  {
    name: 'the API by Microsoft when its licence has ended',
    at: Date.UTC(2033, 0, 1),
    product: api,
    channel: foundry,
    by: [],
    permittedBy: ['april.any-seller'],
  },
  {
    name: 'the API by AWS in May',
    product: api,
    channel: bedrock,
    by: [],
    flagged: [],
    permittedBy: ['april.any-seller'],
  },
  {
    name: 'the API by AWS on 1 June',
    at: Date.UTC(2026, 5, 1),
    product: api,
    channel: bedrock,
    by: [],
    permittedBy: ['april.any-seller', 'june.bedrock'],
  },
  { name: 'Frontier by OpenAI', product: frontier, channel: direct, by: [] },
  { name: 'Frontier by another third party', product: frontier, channel: vertex, by: ['amzn.distribution'] },
];

export const APRIL: CaseTable = { contracts: ['openai-2026-04'], at: may, places: PLACES, sales: SALES };

const ALL = ['openai-2025-10', 'openai-2026-02', 'openai-2026-04'] as const;
const day = (year: number, month: number, date: number): number => Date.UTC(year, month - 1, date);
const stored = { channel: bedrock };

/** One request, a stored API response through Bedrock on AWS, as the eras pass. */
export const ERAS: CaseTable = {
  contracts: ALL,
  places: [
    {
      name: 'before them all',
      call: { at: day(2025, 10, 28) - 1, session: stored },
      on: 'aws',
      by: ['no-contract-in-force'],
    },
    {
      name: 'on 28 October 2025',
      call: { at: day(2025, 10, 28), session: stored },
      on: 'aws',
      by: ['oct.azure-api', 'oct.third-party-api'],
    },
    {
      name: 'on 26 February 2026',
      call: { at: day(2026, 2, 27) - 1, session: stored },
      on: 'aws',
      by: ['oct.azure-api', 'oct.third-party-api'],
    },
    {
      name: 'on 27 February 2026',
      call: { at: day(2026, 2, 27), session: stored },
      on: 'aws',
      by: ['joint.stateless'],
      flagged: ['joint.sellers'],
    },
    {
      name: 'on 26 April 2026',
      call: { at: day(2026, 4, 27) - 1, session: stored },
      on: 'aws',
      by: ['joint.stateless'],
      flagged: ['joint.sellers'],
    },
    { name: 'on 27 April 2026', call: { at: day(2026, 4, 27), session: stored }, on: 'aws', by: [], flagged: BOTH },
    {
      name: 'a reading holds in each era that has it',
      reading: 'amazon-openai',
      call: { at: day(2026, 1, 10), session: stored },
      on: 'aws',
      by: [],
    },
    {
      name: 'in March, with only the era before and the era after',
      contracts: ['openai-2025-10', 'openai-2026-04'],
      call: { session: stored },
      on: 'aws',
      by: ['no-contract-in-force'],
      code: 'no_contract_in_force',
    },
    {
      name: 'in May, with only the era before and the era after',
      contracts: ['openai-2025-10', 'openai-2026-04'],
      call: { at: may, session: stored },
      on: 'aws',
      by: [],
    },
    {
      name: 'in January, with the first two eras',
      contracts: ['openai-2025-10', 'openai-2026-02'],
      call: { at: day(2026, 1, 10), session: stored },
      on: 'aws',
      by: ['oct.azure-api', 'oct.third-party-api'],
    },
    {
      name: 'in May, with the first two eras',
      contracts: ['openai-2025-10', 'openai-2026-02'],
      call: { at: may, session: stored },
      on: 'azure',
      by: ['no-contract-in-force'],
    },
  ],
  sales: [
    { name: 'the API by AWS in January', at: day(2026, 1, 10), product: api, channel: bedrock, by: [], flagged: [] },
    { name: 'the API by AWS in March', product: api, channel: bedrock, by: [], flagged: ['joint.sellers'] },
    { name: 'the API by AWS in May', at: may, product: api, channel: bedrock, by: [], flagged: [] },
  ],
};
