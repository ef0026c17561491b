/** Looking at classes together loses none: C1 and C2 of `classes.ts`, and what is found of clauses is what plain enumeration finds. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Axis, pointsOf, requestAt, sizeOf, type SpaceParts } from './axis.ts';
import { type Box, firstPoint, type Point, sizeOfBox } from './boxes.ts';
import { addUse, noUse } from './clause-use.ts';
import { exclusionKey } from './decision.ts';
import type { FactSpace } from './fact-space.ts';
import { type Files, load, PLACES, shippedFiles, snapshotOf } from './fixture.test-support.ts';
import { outcomeOf, saleOutcomeOf } from './outcome.ts';
import { candidatesAt } from './place-space.ts';
import { contract } from './random-contract.test-support.ts';
import type { Snapshot } from './snapshot.ts';
import { conflictsOf } from './space-conflicts.ts';
import { contractOf, spaceOf } from './space.test-support.ts';

const RUNS = { numRuns: Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 40) };
/** Classes that plain enumeration is asked for. */
const MOST = 20_000;
const PLAIN: Partial<SpaceParts> = { clauses: null };
const UNJOINED: Partial<SpaceParts> = { clauses: null, labelsApart: null };

/** All that contracts say of a class of calls, at every place. */
function saidOfCall(snapshots: readonly Snapshot[], space: FactSpace, point: Point): string {
  const { action, facts } = requestAt(space.calls, point);
  const indexes = candidatesAt(space.places, action, facts.vendor);
  const places = indexes.flatMap(i => space.places.places[i] ?? []);
  const outcomes = snapshots.map(snapshot => outcomeOf(snapshot, action, facts, places));
  return `${action} ${JSON.stringify(outcomes, (key, value: unknown) => (key === 'cite' ? undefined : value))}`;
}

function saidOfSale(snapshots: readonly Snapshot[], space: FactSpace, point: Point): string {
  const { facts } = requestAt(space.sales, point);
  const sale = { ...facts.session, at: facts.at, recorded: facts.recorded };
  return JSON.stringify(snapshots.map(snapshot => saleOutcomeOf(snapshot, sale).said));
}

function boxesHold(axes: readonly Axis[], boxes: readonly Box[], said: (point: Point) => string): void {
  const byPoint = new Map<string, string>();
  for (const box of boxes) {
    const first = said(firstPoint(box));
    let points: Point[] = [[]];
    for (const chosen of box) points = points.flatMap(point => chosen.map(one => [...point, one]));
    for (const point of points) byPoint.set(point.join(), first);
  }
  expect(boxes.reduce((sum, box) => sum + sizeOfBox(box), 0)).toBe(sizeOf(axes));
  expect(byPoint.size).toBe(sizeOf(axes));
  for (const point of pointsOf(axes)) expect(said(point), point.join()).toBe(byPoint.get(point.join()));
}

function foundOf(files: readonly Files[], space: FactSpace): object {
  const { deadlocks } = conflictsOf(snapshotOf(files.map(load)), space);
  return deadlocks.map(({ between }) => between.map(exclusionKey).toSorted().join(' ')).toSorted();
}

function useOf(files: Files, parts: Partial<SpaceParts>): object {
  const use = noUse();
  addUse(use, load(files), null, spaceOf([files], parts));
  return { applied: [...use.applied].toSorted(), decided: [...use.decided].toSorted() };
}

const seen = { fewer: 0, checked: 0 };

function isSmall(files: readonly Files[]): boolean {
  try {
    return spaceOf(files, UNJOINED).size <= MOST;
  } catch {
    return false;
  }
}

test('every class of a box comes out like the first, and each class is in one', () => {
  fc.assert(
    fc.property(contract('a'), contract('b'), (a, b) => {
      fc.pre(isSmall([a, b]));
      const space = spaceOf([a, b]);
      const sides = [snapshotOf([load(a)]), snapshotOf([load(b)])];
      boxesHold(space.calls, space.callBoxes, point => saidOfCall(sides, space, point));
      boxesHold(space.sales, space.saleBoxes, point => saidOfSale(sides, space, point));
      if (space.callBoxes.length < space.size) seen.fewer += 1;
    }),
    RUNS,
  );
  expect(seen.fewer).toBeGreaterThan(0);
}, 300_000);

test('what is said, dead, shadowed and contradicting is what plain enumeration finds', () => {
  fc.assert(
    fc.property(contract('a'), contract('b'), (a, b) => {
      fc.pre(isSmall([a, b]));
      seen.checked += 1;
      const sides = [snapshotOf([load(a)]), snapshotOf([load(b)])];
      const [space, plain] = [spaceOf([a, b]), spaceOf([a, b], UNJOINED)];
      const said = ({ callBoxes }: FactSpace, of: FactSpace) =>
        new Set(callBoxes.map(box => saidOfCall(sides, of, firstPoint(box))));
      expect(said(space, space)).toEqual(said(plain, plain));
      expect(foundOf([a, b], space)).toEqual(foundOf([a, b], plain));
      for (const one of [a, b]) expect(useOf(one, {})).toEqual(useOf(one, UNJOINED));
    }),
    RUNS,
  );
  expect(seen.checked).toBeGreaterThan(0);
}, 300_000);

test('there are contracts like these of which facts are joined', () => {
  // Of always the same contracts: about one pair in ten is such.
  const pairs = fc.sample(fc.tuple(contract('a'), contract('b')), { seed: 1, numRuns: 60 });
  const joined = pairs.filter(files => isSmall(files) && spaceOf(files).size < spaceOf(files, UNJOINED).size);
  expect(joined).not.toEqual([]);
}, 300_000);

test.each(['data-handling', 'example-acme', 'openai-2026-02', 'openai-2026-04'])(
  'so it is of %s',
  name => {
    const files = shippedFiles(name);
    const reading = name === 'openai-2026-02' ? 'as-written' : null;
    const useIn = (parts: Partial<SpaceParts>) => {
      const use = noUse();
      addUse(use, load(files), reading, spaceOf([files], parts));
      return { applied: [...use.applied].toSorted(), decided: [...use.decided].toSorted() };
    };
    expect(useIn({})).toEqual(useIn(PLAIN));
    const space = spaceOf([files]);
    const sides = [snapshotOf([load(files)])];
    boxesHold(space.calls, space.callBoxes, point => saidOfCall(sides, space, point));
  },
  60_000,
);

test.each([
  // Homes have no model: where the purpose is another, it is not asked for.
  ['context.call.purpose == "turn" && resource.model == "m1" && context.call.segment == "us-gov"', PLACES],
  // The agent is known before what guards it is.
  [
    '(context.use.turns > 1 && context.call has agent || context.use.toolsRun > 1 && context.call has agent) && context.call.agent.id == "a1" && principal.key == "k1"',
    null,
  ],
  ['principal.scopes.contains("s1") && context.use.toolsRun > 1 && context.call.spend.month < 5', null],
])('so it is of %s', (when, places) => {
  const files = contractOf('a', {
    x: `forbid (principal, action == Action::"execute", resource) when { ${when} };`,
  });
  const space = spaceOf([files], { places });
  boxesHold(space.calls, space.callBoxes, point => saidOfCall([snapshotOf([load(files)])], space, point));
  expect(space.callBoxes.length).toBeLessThan(space.size);
});
