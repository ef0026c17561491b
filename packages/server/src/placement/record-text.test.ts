/** Records taken apart as text: ordinary ones are, and what differs from call to call is in nothing that is compared. */
import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { CallFacts, DecideOptions, Health } from './facts.ts';
import { call, load, MARCH, shippedFiles, snapshotOf } from './fixture.test-support.ts';
import { emptyRecordText, healthOf, type RecordText, takeApart } from './record-text.ts';
import { toRecord } from './record.ts';

const snapshot = snapshotOf([load(shippedFiles('openai-2026-02'))]);
const HEALTH: Health = { azure: { state: 'up', inFlight: 0, expectedLatencyMs: 12.5 } };
const USE = { turns: 3, itemsRead: 1, memoryReads: 0, toolsRun: 0, filesTouched: 0 };

function textOf(facts: Partial<CallFacts>, health: Health = HEALTH, options: DecideOptions = {}): string {
  const made = call(facts);
  const session = { ...made.session, startedAt: made.at - 5, use: USE };
  const whole = { ...made, session };
  return JSON.stringify(toRecord(decide(snapshot, 'infer', whole, health, options), snapshot, whole, health, options));
}

function apart(text: string): RecordText | null {
  const into = emptyRecordText();
  return takeApart(into, `xx${text}yy`, 2, 2 + text.length) ? into : null;
}

test('numbers are cut out, and nothing else', () => {
  const one = apart(textOf({ at: MARCH, inputTokens: 7, outputBound: 8, spend: { month: 1, total: 2 } }));
  expect(one).toMatchObject({
    at: MARCH,
    input: 7,
    output: 8,
    use: '3,1,0,0,0',
    spend: '1,2',
    version: snapshot.version,
  });
  expect(one?.health).toBe('"azure":[12.5]');
  const other = apart(textOf({ at: MARCH + 1, inputTokens: 70_000, outputBound: 1, spend: { month: 5, total: 9 } }));
  expect([other?.kind, other?.marks]).toEqual([one?.kind, one?.marks]);
  expect(apart(textOf({ sessionLabels: ['restricted'], spend: { month: 1, total: 2 } }))?.kind).not.toBe(one?.kind);
});

test.each([
  ['nothing is known of health', {}, {}, {}],
  ['a place is near', {}, HEALTH, { near: 'azure' }],
  ['only some places', {}, {}, { only: ['azure'] }],
  ['a capability is required', { requires: ['tools'] }, HEALTH, {}],
  ['shadow prices', {}, {}, { shadow: { azure: 5 } }],
  ['spend, and no health', { spend: { month: 1, total: 2 } }, {}, {}],
] as const)('%s: taken apart', (_, facts, health, options) => {
  expect(apart(textOf(facts, health, options))).not.toBeNull();
});

test.each([
  ['another order', (text: string) => text.replace(/"i":(\d+),"o":(\d+)/, '"o":$2,"i":$1')],
  ['tokens that are no whole number', (text: string) => text.replace(/"o":\d+/, '"o":1.5')],
  ['another version of the form', (text: string) => text.replace('"v":1', '"v":2')],
  ['a brace in the name of a place', (text: string) => text.replace('"azure":[', '"az}ure":[')],
])('%s: parsed instead', (_, change) => {
  const text = textOf({});
  expect(apart(text)).not.toBeNull();
  expect(apart(change(text))).toBeNull();
});

test('the numbers of a place, and of no other whose name ends alike', () => {
  const health = '"west-aws":[1,2],"aws":[30,4,1],"slow":[1e3,0.5],"x":[90071992547409931]';
  expect(healthOf(health, '"aws":[')).toEqual([30, 4, 1]);
  expect(healthOf(health, '"slow":[')).toEqual([1000, 0.5]);
  expect(healthOf(health, '"x":[')).toEqual([Number('90071992547409931')]);
  expect(healthOf(health, '"gcp":[')).toBeUndefined();
});
