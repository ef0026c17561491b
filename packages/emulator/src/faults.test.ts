import { expect, test } from 'vitest';
import { NO_DIRECTIVES, readDirectives, withoutDirectives } from './directives.ts';
import { failureOf } from './failure.ts';
import { FaultRules, MAX_RULES } from './fault-rules.ts';
import { behaviourOf, describeFault, MAX_FAULT_DELTAS, MAX_FAULT_MS, parseFault, readFault } from './faults.ts';

test.each([
  'latency 20',
  'first-token 100',
  'slow-headers 5',
  'status 500',
  'status 429 retry-after 2',
  'status 429 retry-after-ms 50',
  'cut 5',
  'cut 0',
  'malformed 3',
  'hang',
  'hang 0',
  'truncate',
  'error-event 2',
  'oversize 0',
  `latency ${MAX_FAULT_MS}`,
  `cut ${MAX_FAULT_DELTAS}`,
])('"%s" is read, in words and as JSON, and written back', words => {
  const fault = parseFault(words);
  expect(fault === null ? null : describeFault(fault)).toBe(words);
  expect(readFault(JSON.parse(JSON.stringify(fault)))).toEqual(fault);
});

test.each([
  '',
  'nonsense',
  'latency',
  'latency -1',
  'latency 1.5',
  `latency ${MAX_FAULT_MS + 1}`,
  `cut ${MAX_FAULT_DELTAS + 1}`,
  'cut five',
  'cut 1 2',
  'status 200',
  'status 429 retry-after',
  'status 429 retry 2',
  'truncate 4',
])('"%s" is no fault', words => {
  expect(parseFault(words)).toBeNull();
});

test('a JSON form with a field it does not know is no fault', () => {
  expect(readFault({ kind: 'cut', after: 2 })).toEqual({ kind: 'cut', after: 2 });
  expect(readFault({ kind: 'cut', afterr: 2 })).toBeNull();
  expect(readFault({ kind: 'cut', after: '2' })).toBeNull();
  expect(readFault(7)).toBeNull();
});

test('later faults win over earlier ones of their sort, and paces add to a break', () => {
  const faults = ['latency 5', 'cut 1', 'latency 7', 'hang'].flatMap(words => parseFault(words) ?? []);
  expect(behaviourOf(faults)).toEqual({
    latencyMs: 7,
    firstTokenMs: 0,
    slowHeadersMs: 0,
    break: { kind: 'hang', after: null },
  });
});

test('directives are read from a message, and what is not one is left', () => {
  expect(readDirectives('no directive [[here]] [[faulty: 1]]', 'aws')).toEqual(NO_DIRECTIVES);
  const read = readDirectives(
    'a [[fault: cut 5]] b [[ latency:20 ]] c [[first-token: 1]] [[words: 9]] [[reasoning: 4]] [[cached]] [[rounds: 2]] [[choose: a b]] [[choose:c]]',
    'aws',
  );
  expect(read.faults.map(describeFault)).toEqual(['cut 5', 'latency 20', 'first-token 1']);
  expect(read).toMatchObject({ size: { unit: 'words', amount: 9 }, reasoningTokens: 4, cached: 'prefix', rounds: 2 });
  expect(read.chosen).toEqual(['a b', 'c']);
  expect(withoutDirectives('a [[fault: cut 5]] b [[wiki]] ')).toBe('a  b [[wiki]]');
});

test('a fault on one cloud spares the others', () => {
  const text = '[[fault: status 500 on azure]]';
  expect(readDirectives(text, 'azure').faults).toHaveLength(1);
  expect(readDirectives(text, 'aws').faults).toHaveLength(0);
});

test.each([
  '[[fault: cut x]]',
  '[[words]]',
  '[[words: 2]]',
  '[[words: 1000001]]',
  '[[bytes: 63]]',
  '[[bytes: 16777217]]',
  '[[rounds: 0]]',
  '[[choose]]',
  '[[reasoning: 100001]]',
])('%s is refused rather than passed over', text => {
  let thrown: unknown = null;
  try {
    readDirectives(text, 'aws');
  } catch (error) {
    thrown = error;
  }
  expect(failureOf(thrown)).toMatchObject({ status: 400, code: 'invalid_emulator_directive' });
});

test('a rule applies to what it matches, as often as it says', () => {
  const rules = new FaultRules();
  rules.add({ match: { cloud: 'aws', contains: 'needle' }, fault: 'cut 1', times: 2 });
  rules.add({ match: { model: 'm' }, fault: ['latency 1', { kind: 'truncate' }] });
  const take = (cloud: string, model: string, body: string): string[] =>
    rules.take(cloud, model, () => body).map(describeFault);
  expect(take('aws', 'x', 'a needle')).toEqual(['cut 1']);
  expect(take('azure', 'x', 'a needle')).toEqual([]);
  expect(take('aws', 'x', 'nothing')).toEqual([]);
  expect(take('aws', 'm', 'a needle')).toEqual(['cut 1']);
  expect(take('aws', 'm', 'a needle')).toEqual(['latency 1', 'truncate']);
  expect(rules.list()).toHaveLength(1);
  rules.clear();
  expect(take('aws', 'm', '')).toEqual([]);
});

test('the number of rules is bounded', () => {
  const rules = new FaultRules();
  for (let made = 0; made < MAX_RULES; made++) rules.add({ fault: 'hang' });
  expect(() => rules.add({ fault: 'hang' })).toThrow(/At most/);
  expect(() => new FaultRules().add({ fault: 'nonsense' })).toThrow(/Invalid 'fault'/);
  expect(() => new FaultRules().add({ fault: 'hang', times: 0 })).toThrow(/times/);
});
