import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { explainTable, refusalMessage, remediesOf, usd } from './explain.ts';
import { CHANNELS, call, load, MARCH, PRODUCTS, shippedFiles, snapshotOf, target } from './fixture.test-support.ts';
import { RECORD_KEYS, toRecord } from './record.ts';

const february = load(shippedFiles('openai-2026-02'));
const stored = call({ session: { channel: CHANNELS.bedrock } });
const health = { azure: { state: 'up', inFlight: 1, expectedLatencyMs: 812 } } as const;

test('the table of a placed call', () => {
  expect(explainTable(decide(snapshotOf([february]), 'infer', stored, health))).toBe(
    `TARGET      CLOUD  REGION         COST       LATENCY  SCORE  CHOSEN  VERDICT
azure       azure  azure-us-1     $0.011250  812 ms   12062  yes     chosen
aws         aws    aws-us-1       -          -        -              excluded by joint.stateless
aws-gov     aws    us-gov-west-1  -          -        -              excluded by joint.stateless
claude-aws  aws    aws-us-1       -          -        -              wrong-model

infer as of 2026-03-20: placed on azure
bound by openai-2026-02 2026-02-27, reading as-written: the call is stateless

excluded by:
  joint.stateless (openai-2026-02): joint statement 2026-02-27, (1) (2): stateless calls to OpenAI models are hosted on Azure, whoever sold them, third-party collaborations included

permitted by:
  base (openai-2026-02): what no clause forbids is allowed

flagged:
  joint.sellers (openai-2026-02): joint statement 2026-02-27, (7) names Microsoft and OpenAI as sellers of stateless APIs; (2) speaks of third parties' stateless calls - ambiguous, not enforced (may another third party sell the stateless API if Azure hosts it?) [azure, aws, aws-gov]`,
  );
});

test('a refusal names each place, the conflict and what would free it', () => {
  const session = { product: PRODUCTS.frontier, channel: CHANNELS.bedrock };
  const decision = decide(snapshotOf([february], { places: [target('eu', 'azure')] }), 'infer', call({ session }), {});
  expect(refusalMessage(decision)).toBe(
    'Every place is excluded by amzn.inference. eu (azure): excluded by amzn.inference. ' +
      'It would be placed without amzn.inference (openai-2026-02): eu; or under reading microsoft of openai-2026-02: eu.',
  );
});

test('other outcomes say what is in the way', () => {
  const down = { azure: { state: 'down', inFlight: 0, expectedLatencyMs: 0 } } as const;
  const message = (facts = stored, seen = {}) => refusalMessage(decide(snapshotOf([february]), 'infer', facts, seen));
  expect(message(stored, down)).toContain('down or full. azure (azure): down; aws (aws): excluded by joint.stateless;');
  expect(message(call({ model: 'other' }))).toBe('No configured target serves this model.');
  expect(message(call({ at: 0 }))).toContain('Every place is excluded by no_contract_in_force. ');
});

test('a refusal for want of a contract says when those that there are ended, and what to do', () => {
  const snapshot = snapshotOf([february]);
  const late = decide(snapshot, 'infer', call({ at: Date.UTC(2026, 10, 22) }), {});
  expect(late.code).toBe('no_contract_in_force');
  expect(refusalMessage(late, snapshot.contracts)).toContain(
    'Every place is excluded by no_contract_in_force. No contract is in force: openai-2026-02 ended on 2026-04-27. azure (azure): ',
  );
  expect(remediesOf(late)).toEqual([
    'Put a contract in force that holds on 2026-11-22, beside openai-2026-02 or in its place.',
  ]);
  const session = { product: PRODUCTS.frontier, channel: CHANNELS.bedrock };
  const refused = decide(snapshotOf([february], { places: [target('eu', 'azure')] }), 'infer', call({ session }), {});
  expect(remediesOf(refused)).toEqual([
    'Without amzn.inference (openai-2026-02): eu.',
    'Under reading microsoft of openai-2026-02: eu.',
  ]);
});

test('the set that permits everything binds nothing', () => {
  const none = load(shippedFiles('none'));
  const text = explainTable(decide(snapshotOf([none]), 'infer', stored, health));
  expect(text).toContain('\nbound by no contract\n');
  expect(text).not.toContain('bound by none');
  expect(explainTable(decide(snapshotOf([none, february]), 'infer', stored, health))).toContain(
    '\nbound by openai-2026-02 ',
  );
});

test.each([
  [0, '$0.000000'],
  [1, '$0.000001'],
  [1_234_567, '$1.234567'],
])('%d micro-USD is %s', (micro, text) => {
  expect(usd(micro)).toBe(text);
});

test('a record of three targets is at most 350 bytes', () => {
  const places = [target('azure-eastus', 'azure'), target('aws-use1', 'aws'), target('openai-direct', 'azure')];
  const snapshot = snapshotOf([february], {
    places,
    version: '0123456789abcdef',
    readings: { 'openai-2026-02': 'as-written' },
  });
  const seen = Object.fromEntries(
    places.map(({ id }, i) => [id, { state: 'up', inFlight: i, expectedLatencyMs: 700 + i } as const]),
  );
  const session = {
    product: PRODUCTS.frontier,
    channel: CHANNELS.bedrock,
    startedAt: MARCH - 600_000,
    reading: { 'openai-2026-02': 'as-written' },
  };
  const facts = call({ session, inputTokens: 12_345, outputBound: 4096 });
  const record = toRecord(decide(snapshot, 'infer', facts, seen), snapshot, facts, seen, { previous: 'aws-use1' });
  const json = JSON.stringify(record);
  expect(json.length, json).toBeLessThanOrEqual(350);
  expect(Object.keys(record).every(key => key in RECORD_KEYS)).toBe(true);
  // Content-free: nothing but ids, counts and times.
  expect(record).toMatchObject({
    c: 'aws-use1',
    f: ['openai-2026-02@2026-02-27:as-written'],
    d: ['amzn.inference'],
  });
});
