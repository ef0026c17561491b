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
      '"d":["joint.stateless","joint.first-party"],"F":4}',
  );
});

test('what the tenant had spent, where it was known', () => {
  const spend = { month: 0, total: 9_007_199_254_740_991 };
  expect(recordOf(call({ ...stateless, spend }))).toContain('"S":[0,9007199254740991],"F":4}');
});

test('a record from before there were such facts: the spend was not known', () => {
  const { S, F, ...old } = JSON.parse(recordOf(call({ ...stateless, spend: { month: 1, total: 2 } }))) as {
    [key: string]: unknown;
  };
  expect([S, F]).toEqual([[1, 2], 4]);
  expect(fromRecord(old as unknown as Parameters<typeof fromRecord>[0]).facts).not.toHaveProperty('spend');
});

const USE = { turns: 2, itemsRead: 4, memoryReads: 0, toolsRun: 1, filesTouched: 3 };
const asked = call({
  session: { use: USE },
  soFar: USE,
  agent: { id: 'agent_a', version: 3 },
  principal: { key: 'key_a', scopes: ['agents', 'responses'] },
});

test('who asked, the agent, and what the session had done', () => {
  const text = recordOf(asked);
  expect(text).toContain('"y":[2,4,0,1,3],');
  expect(text.endsWith('"F":4,"A":["agent_a",3],"K":["key_a",["agents","responses"]]}')).toBe(true);
  expect(recordOf({ ...asked, principal: { key: 'key_a' } }).endsWith(',"K":["key_a"]}')).toBe(true);
  const { facts } = fromRecord(JSON.parse(text) as Parameters<typeof fromRecord>[0]);
  const { agent, principal, soFar } = asked;
  expect(facts).toMatchObject({ agent, principal, soFar, session: { use: USE } });
});

test.each([undefined, 2, 3])(
  'a record of version %s of the facts: clauses are not told what had been done',
  version => {
    const { F: _, A: __, K: ___, ...rest } = JSON.parse(recordOf(asked)) as Parameters<typeof fromRecord>[0];
    const old = fromRecord({ ...rest, ...(version !== undefined && { F: version }) });
    // Retrospective readings are told what they always were.
    expect(old.facts.session.use).toEqual(USE);
    for (const fact of ['soFar', 'agent', 'principal']) expect(old.facts).not.toHaveProperty(fact);
  },
);
