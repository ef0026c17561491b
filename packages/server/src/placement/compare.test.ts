import { expect, test } from 'vitest';
import { type Change, compare } from './compare.ts';
import { type Files, home, load, shippedFiles, snapshotOf, target } from './fixture.test-support.ts';
import type { SpaceParts } from './axis.ts';
import { contractOf, spaceOf } from './space.test-support.ts';

const FEBRUARY = shippedFiles('openai-2026-02');
const MARCH = Date.UTC(2026, 2, 20);
const AT_MARCH = { from: MARCH, to: MARCH };

function rows(changes: readonly Change[]): readonly string[] {
  return changes.map(({ when, before, after, witness }) => {
    const kind = witness.action === 'distribute' ? 'selling ' : '';
    return `${kind}${when.join(', ')}: ${before} -> ${after}`;
  });
}

function diff(
  a: readonly Files[],
  b: readonly Files[],
  parts: Partial<SpaceParts> = {},
  readings: readonly [object, object] = [{}, {}],
) {
  const [one, other] = [a, b].map((files, i) => snapshotOf(files.map(load), { readings: { ...readings[i] } }));
  if (one === undefined || other === undefined) throw new Error('two sides');
  return compare(one, other, spaceOf([...a, ...b], parts));
}

const reading = (id: string) => ({ 'openai-2026-02': id });

test('the readings of the February contract, on 20 March', () => {
  const { changes } = diff([FEBRUARY], [FEBRUARY], AT_MARCH, [reading('as-written'), reading('microsoft')]);
  expect(rows(changes)).toEqual([
    'infer, model of openai, frontier, sold by amazon, segment us-natsec, state held: aws only -> anywhere',
    'infer, model of openai, frontier, sold by amazon, after the event agi-verified, state held: aws only -> anywhere',
    'infer, model of openai, frontier, sold by amazon, any segment but us-natsec, without the event agi-verified, state held: aws only -> azure only',
    'infer, model of openai, any runtime product but frontier, sold by any third party, any segment but us-natsec, without the event agi-verified, state held: anywhere -> azure only',
    'infer, model of openai, any runtime product but any runtime product of openai, any segment but us-natsec, without the event agi-verified, state held: anywhere -> azure only',
  ]);
  const [natsec] = changes;
  // Places that change alike are told once.
  expect(natsec?.witness.places).toMatchObject([
    {
      place: { id: 'azure' },
      before: { outcome: 'denied', by: [{ clause: 'amzn.inference' }] },
      after: { outcome: 'allowed', permits: [{ clause: 'base' }] },
    },
  ]);
  expect(natsec?.witness.classes).toEqual([{ 'openai-2026-02': 'stateful' }, { 'openai-2026-02': 'stateless' }]);
});

test('the loophole: stored API responses, under amazon-openai', () => {
  const { changes } = diff([FEBRUARY], [FEBRUARY], AT_MARCH, [reading('as-written'), reading('amazon-openai')]);
  expect(rows(changes)).toEqual([
    'infer, model of openai, any api product, sold by any third party, any segment but us-natsec, without the event agi-verified, state held: azure only -> anywhere',
    'infer, model of openai, any api product but any api product of openai, any segment but us-natsec, without the event agi-verified, state held: azure only -> anywhere',
  ]);
});

test('with the contract of April beside it, only what comes after changes', () => {
  const { changes } = diff([FEBRUARY], [FEBRUARY, shippedFiles('openai-2026-04')]);
  expect(rows(changes)).toEqual([
    'selling any product of openai but frontier, from 2026-04-27: may not be sold -> may be sold',
    'selling any product of openai, sold by its maker or amazon, from 2026-04-27: may not be sold -> may be sold',
    'infer, model of openai, any product but frontier, from 2026-04-27: nowhere (no contract in force) -> anywhere',
    // Of what leaves neither contract speaks.
    'place_state or execute, any product of openai but frontier, from 2026-04-27: nowhere (no contract in force) -> anywhere',
    'place_state or execute, any product of openai, sold by its maker, from 2026-04-27: nowhere (no contract in force) -> anywhere',
    'infer or place_state or execute, model of openai, any product of openai, sold by its maker, from 2026-04-27: nowhere (no contract in force) -> anywhere',
    'infer, model of openai, sold by its maker or amazon, from 2026-04-27, no state held: nowhere (no contract in force) -> anywhere',
    'place_state or execute, frontier, sold by amazon, from 2026-04-27: nowhere (no contract in force) -> aws only',
    'infer or place_state or execute, model of openai, frontier, sold by amazon, from 2026-04-27, state held: nowhere (no contract in force) -> aws only',
  ]);
});

test('configured places are named, and each that changes is in the witness', () => {
  const places = [target('az', 'azure'), target('aw', 'aws'), home('hz', 'azure'), home('hw', 'aws')];
  const { changes } = diff([shippedFiles('none')], [FEBRUARY], {
    ...AT_MARCH,
    places,
    open: false,
    channels: [{ id: 'direct', seller: null, kind: 'direct' }],
  });
  expect(rows(changes)).toEqual([
    'infer, any segment but us-natsec: anywhere -> az only',
    'place_state, any segment but us-natsec: anywhere -> hz only',
  ]);
  for (const { witness } of changes) {
    for (const { place } of witness.places) expect(places.map(({ id }) => id)).toContain(place?.id);
  }
});

test('classes are counted once, though rows overlap', () => {
  const none = contractOf('a', {});
  const forbid = contractOf('a', {
    x: 'forbid (principal, action == Action::"infer", resource) when { context.call.stateHeld || context.call.segment == "us-gov" };',
  });
  const { changes, changed, compared } = diff([none], [forbid]);
  expect(rows(changes)).toEqual([
    'infer, state held: anywhere -> nowhere',
    'infer, segment us-gov: anywhere -> nowhere',
  ]);
  expect(changes.map(({ classes }) => classes)).toEqual([2, 2]);
  expect({ changed, compared }).toEqual({ changed: 3, compared: 4 * 2 * 2 + 2 });
});

test('facts that are compared with each other are looked at equal and unequal', () => {
  const same = contractOf('a', {
    x: 'forbid (principal, action == Action::"infer", resource) when { context.call.channel.seller == context.call.vendor };',
  });
  const none = contractOf('a', {});
  const only = { only: { action: ['infer'] } };
  const { changed, changes } = diff([none], [same], only);
  expect(changed).toBeGreaterThan(0);
  expect(changed).toBeLessThan(spaceOf([none, same], only).size);
  for (const { witness } of changes) expect(witness.facts.session.channel.seller).toBe(witness.facts.vendor);
});
