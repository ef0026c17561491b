/** Many places asked at once against one place after the other, on random policies, calls and places. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { blocksOf, PLACES_A_BLOCK, type Seat } from './block.ts';
import { entitiesFromJson, knownEntity, recordFromJson } from './cedar-json.ts';
import { type CompiledClause, type Judgement, judgeOnce, judgePlaces } from './judge.ts';
import {
  arbitraryPolicySet,
  arbitraryRequest,
  compileLinked,
  estOf,
  type PolicyText,
  type RandomRequest,
} from './random-policy.test-support.ts';
import { readsOf } from './reads.ts';
import { type MemoPlan, memoPlan } from './remembered.ts';
import type { EntityStore, Env } from './value.ts';

const SAMPLES = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 3000);
const REQUESTS_EACH = 4;
const TIMES_EACH = 4;
const LEAST_SHARE = 0.02;
/** Calls whose places are not all judged alike. */
const LEAST_MIXED = 0.3;

function clauseOf(policy: PolicyText, plan: MemoPlan): CompiledClause {
  const compiled = compileLinked(policy, estOf(policy), plan);
  const ref = { kind: 'clause', contract: 'random', clause: policy.id, cite: '', ambiguous: null } as const;
  const note = { reading: null, summary: '', source: '', confidence: 'C', file: '', line: 1 } as const;
  return {
    ref,
    info: { ...ref, ...note, effect: compiled.effect },
    policy: compiled,
    reads: readsOf({}),
  };
}

function envOf(request: RandomRequest, entities: EntityStore): Env {
  return {
    principal: knownEntity(request.principal, entities),
    action: knownEntity(request.action, entities),
    resource: knownEntity(request.resource, entities),
    context: recordFromJson(request.context),
    entities,
    callMemo: null,
    placeMemo: null,
  };
}

/** Every entity that there is, one that there is not, and so many of them that they fill more than a block. */
function seatsOf({ entities }: RandomRequest, store: EntityStore): Seat[] {
  const uids = [...entities.map(entity => entity.uid), { type: 'Ghost', id: 'x' }];
  return Array.from({ length: TIMES_EACH }, () => uids)
    .flat()
    .map(uid => ({ region: knownEntity(uid, store), memo: [] }));
}

/** The same again, of some places only: they ask the same questions of other places, before the rest asks. */
function withNarrower(policies: readonly PolicyText[]): PolicyText[] {
  const narrower = policies.map(({ id, text, slots }) => ({
    id: `${id} of teams`,
    text: text.replace(', resource) ', ', resource is Team) '),
    slots,
  }));
  return [...narrower, ...policies];
}

const arbitraryRequests = fc.array(arbitraryRequest(), { minLength: REQUESTS_EACH, maxLength: REQUESTS_EACH });

test(
  'places asked together are judged as each alone',
  () => {
    const judged = { permits: 0, forbids: 0, errors: 0, silent: 0 };
    const calls = { mixed: 0, all: 0 };
    fc.assert(
      fc.property(arbitraryPolicySet(), arbitraryRequests, (policies, requests) => {
        const [first] = requests;
        if (first === undefined) return;
        const plan = memoPlan();
        const store = entitiesFromJson(first.entities);
        const seats = seatsOf(first, store);
        const blocks = blocksOf(seats);
        expect(seats.length).toBeGreaterThan(PLACES_A_BLOCK);
        const clauses = withNarrower(policies).map(policy => clauseOf(policy, plan));
        // The later calls find what is known of the places.
        for (const request of requests) {
          const env = envOf(request, store);
          const live = clauses.filter(clause => clause.policy.matchesAction(env.action.key));
          const together = judgePlaces(live, { ...env, callMemo: [] }, blocks);
          const alone = seats.map(({ region }) => judgeOnce(live, { ...env, resource: region }));
          expect(together).toEqual(alone);
          for (const judgement of alone) count(judgement);
          calls.all += 1;
          if (new Set(alone.map(judgement => JSON.stringify(judgement))).size > 1) calls.mixed += 1;
        }
      }),
      { numRuns: Math.ceil(SAMPLES / REQUESTS_EACH) },
    );
    function count({ permits, forbids, errors }: Judgement): void {
      if (permits.length > 0) judged.permits += 1;
      if (forbids.length > 0) judged.forbids += 1;
      if (errors.length > 0) judged.errors += 1;
      if (permits.length + forbids.length + errors.length === 0) judged.silent += 1;
    }
    const total = judged.permits + judged.forbids + judged.errors + judged.silent;
    for (const share of Object.values(judged))
      expect(share / total, JSON.stringify(judged)).toBeGreaterThan(LEAST_SHARE);
    expect(calls.mixed / calls.all, JSON.stringify(calls)).toBeGreaterThan(LEAST_MIXED);
  },
  60_000 + SAMPLES * 20,
);
