/**
 * The space misses nothing: whatever two contracts say of any request at any place, they say of some class of their space at some
 * place of it too. So a comparison that finds no change means that there is none.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compare } from './compare.ts';
import { decide, decideDistribution } from './decide.ts';
import { exclusionKey } from './decision.ts';
import { requestAt } from './axis.ts';
import { firstPoint } from './boxes.ts';
import type { Action, CallFacts, FirstRefusal, Place, Product, Recorded } from './facts.ts';
import { call, home, load, snapshotOf, target } from './fixture.test-support.ts';
import { allowedAt, outcomeOf, saidAt, saleOutcomeOf } from './outcome.ts';
import type { Snapshot } from './snapshot.ts';
import { ACTIONS, contract } from './random-contract.test-support.ts';
import { spaceOf } from './space.test-support.ts';

const VENDORS = ['v1', 'v2', 'v9'];
const labels = fc.subarray(['l1', 'l2', 'l9']);
const product: fc.Arbitrary<Product> = fc.record({
  id: fc.constantFrom('p1', 'p2'),
  vendor: fc.constantFrom(...VENDORS),
  kind: fc.constantFrom('api' as const, 'runtime' as const),
});
/** The day of most requests, the one before it and the one after. */
const day = fc.constantFrom('1969-12-31', '1970-01-01', '2026-03-01', '2026-03-02');
const offer: fc.Arbitrary<FirstRefusal> = fc
  .record({
    id: fc.constantFrom('f1', 'f2'),
    offered: day,
    days: fc.nat(1),
    kind: fc.constantFrom('accepted', 'declined', null),
  })
  .map(({ id, offered, days, kind }) => {
    const deadline = new Date(Date.parse(offered) + days * 86_400_000).toISOString().slice(0, 10);
    return {
      id,
      product: null,
      offered,
      deadline,
      answer: kind === null ? null : { kind, date: offered },
      source: 's',
    };
  });
const recorded: fc.Arbitrary<Recorded> = fc.record({
  events: fc.array(fc.record({ id: fc.constantFrom('e1', 'e9'), date: day, source: fc.constant('s') }), {
    maxLength: 2,
  }),
  // One of each right: what cannot follow another is refused where it is recorded.
  firstRefusals: fc.uniqueArray(offer, { selector: ({ id }) => id, maxLength: 2 }),
});

interface Request {
  readonly action: Action;
  readonly facts: CallFacts;
  readonly place: Place;
  readonly recorded: Recorded;
}

const request: fc.Arbitrary<Request> = fc
  .record({
    recorded,
    spend: fc.record({ month: fc.nat(8), total: fc.nat(8) }),
    action: fc.constantFrom(...ACTIONS),
    product,
    seller: fc.option(fc.constantFrom(...VENDORS)),
    segment: fc.constantFrom('commercial' as const, 'us-gov' as const, 'us-natsec' as const),
    stateHeld: fc.boolean(),
    tenant: fc.constantFrom('t1', 't9'),
    vendor: fc.constantFrom(...VENDORS),
    purpose: fc.constantFrom('turn' as const, 'eval' as const, 'probe' as const),
    sessionLabels: labels,
    requestLabels: labels,
    at: fc.constantFrom(
      0,
      Date.UTC(2026, 2, 1) - 1,
      Date.UTC(2026, 2, 1),
      Date.UTC(2026, 2, 2),
      Date.UTC(2026, 2, 2) + 1,
    ),
    soFar: fc.record({
      turns: fc.nat(3),
      itemsRead: fc.nat(3),
      memoryReads: fc.nat(3),
      toolsRun: fc.nat(3),
      filesTouched: fc.nat(3),
    }),
    principal: fc.record({ key: fc.constantFrom('k1', 'k9'), scopes: fc.subarray(['s1', 's9']) }),
    agent: fc.option(fc.record({ id: fc.constantFrom('a1', 'a9'), version: fc.integer({ min: 1, max: 3 }) })),
    place: fc.record({
      cloud: fc.constantFrom('aws', 'gcp'),
      region: fc.constantFrom('r1', 'r9'),
      sovereignty: fc.constantFrom('gov', 'commercial'),
      jurisdiction: fc.constantFrom('eu', 'us'),
      clearances: labels,
    }),
  })
  .map(({ action, place, product: sold, seller, segment, stateHeld, tenant, recorded: told, agent, ...known }) => {
    const facts = { ...known, ...(agent !== null && { agent }) };
    const channel =
      seller === null
        ? ({ id: 'direct', seller: sold.vendor, kind: 'direct' } as const)
        : ({ id: 'other', seller, kind: 'third-party' } as const);
    const parts = call({ ...facts, model: 'any', session: { product: sold, channel, segment, stateHeld, tenant } });
    const at =
      action === 'infer'
        ? target('x', place.cloud, { ...place, vendor: facts.vendor, model: 'any' })
        : home('x', place.cloud, place);
    return { action, facts: parts, place: at, recorded: told };
  });

/** What a live decision says of a request at its place. */
function decided(snapshot: Snapshot, { action, facts, place, recorded: told }: Request): string {
  const [row] = decide(snapshotOf(snapshot.contracts as never, { places: [place], ...told }), action, facts, {}).rows;
  return JSON.stringify([row?.verdict !== 'excluded', (row?.exclusions ?? []).map(exclusionKey).toSorted()]);
}

const seen = { changes: 0, none: 0 };

test('every pair of outcomes that requests meet is met in the space', () => {
  fc.assert(
    fc.property(contract('a'), contract('b'), fc.array(request, { minLength: 20, maxLength: 20 }), (a, b, requests) => {
      const [one, other] = [snapshotOf([load(a)]), snapshotOf([load(b)])];
      const space = spaceOf([a, b]);
      const { places } = space.places;
      const met = new Set<string>();
      for (const box of space.callBoxes) {
        const { action, facts } = requestAt(space.calls, firstPoint(box));
        const outcomes = [one, other].map(side => outcomeOf(side, action, facts, places));
        for (const [i] of places.entries()) {
          const said = outcomes.map(outcome =>
            JSON.stringify([allowedAt(outcome, i), saidAt(outcome, i).exclusions.map(exclusionKey).toSorted()]),
          );
          met.add(`${action} ${said.join(' ')}`);
        }
      }
      const sales = new Set<string>();
      for (const box of space.saleBoxes) {
        const { facts } = requestAt(space.sales, firstPoint(box));
        sales.add(
          [one, other]
            .map(side => saleOutcomeOf(side, { ...facts.session, at: facts.at, recorded: facts.recorded }).allowed)
            .join(' '),
        );
      }
      const { changes } = compare(one, other, space);
      seen[changes.length > 0 ? 'changes' : 'none'] += 1;
      for (const asked of requests) {
        const { action, facts } = asked;
        const said = [one, other].map(side => decided(side, asked));
        expect(met.has(`${action} ${said.join(' ')}`), `${action} ${said.join(' ')}`).toBe(true);
        const { product: sold, channel, segment } = facts.session;
        const sold_ = [one, other].map(
          side =>
            decideDistribution(snapshotOf(side.contracts as never, asked.recorded), channel, sold, segment, facts.at)
              .outcome === 'allowed',
        );
        expect(sales.has(sold_.join(' '))).toBe(true);
        if (said[0]?.startsWith('[true') !== said[1]?.startsWith('[true')) expect(changes).not.toEqual([]);
      }
    }),
    { numRuns: Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 40) },
  );
  expect(seen.changes).toBeGreaterThan(5);
});

test('a contract is equal to itself', () => {
  fc.assert(
    fc.property(contract('a'), a => {
      const snapshot = snapshotOf([load(a)]);
      const { changes, changed, compared } = compare(snapshot, snapshotOf([load(a)]), spaceOf([a]));
      expect({ changes, changed }).toEqual({ changes: [], changed: 0 });
      expect(compared).toBeGreaterThan(0);
    }),
    { numRuns: 20 },
  );
});
