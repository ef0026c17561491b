import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { call, load, MARCH, shippedFiles, snapshotOf } from './fixture.test-support.ts';
import { fromRecord, toRecord } from './record.ts';

const snapshot = snapshotOf([load(shippedFiles('openai-2026-02'))]);
const stateless = { session: { stateHeld: false } };
const recordOf = (facts: ReturnType<typeof call>): string =>
  JSON.stringify(toRecord(decide(snapshot, 'infer', facts, {}), snapshot, facts, {}));

test('the stored form of a placement, to the byte', () => {
  expect(recordOf(call(stateless))).toBe(
    `{"v":1,"s":"test","t":${MARCH},"c":"azure","n":"acme","p":["api","openai","a"],"h":["direct","openai","d"],"z":1,` +
      '"m":["openai","gpt"],"i":1000,"o":1000,"f":["openai-2026-02@2026-02-27:as-written"],' +
      '"d":["joint.stateless","joint.first-party"],"F":3}',
  );
});

test('what the tenant had spent, where it was known', () => {
  const spend = { month: 0, total: 9_007_199_254_740_991 };
  expect(recordOf(call({ ...stateless, spend }))).toContain('"S":[0,9007199254740991],"F":3}');
});

test('a record from before there were such facts: the spend was not known', () => {
  const { S, F, ...old } = JSON.parse(recordOf(call({ ...stateless, spend: { month: 1, total: 2 } }))) as {
    [key: string]: unknown;
  };
  expect([S, F]).toEqual([[1, 2], 3]);
  expect(fromRecord(old as unknown as Parameters<typeof fromRecord>[0]).facts).not.toHaveProperty('spend');
});
