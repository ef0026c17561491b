import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, test } from 'vitest';
import { blocksOf, PLACES_A_BLOCK } from './block.ts';
import { placeEntity } from './facts.ts';
import { type CompiledClause, type Judgement, judgePlaces } from './judge.ts';
import { compilePolicy } from './policy.ts';
import { readsOf } from './reads.ts';
import { memoPlan } from './remembered.ts';
import { entityValue, recordValue } from './value.ts';

const plan = memoPlan();

function clause(id: string, text: string): CompiledClause {
  const answer = cedar.policyToJson(text);
  if (answer.type === 'failure') throw new Error(answer.errors.map(error => error.message).join('; '));
  const policy = compilePolicy(answer.json, new Map(), plan);
  const ref = { kind: 'clause', contract: 'test', clause: id, cite: '', ambiguous: null } as const;
  const note = { reading: null, summary: '', source: '', confidence: 'C', file: '', line: 1 } as const;
  return { ref, info: { ...ref, ...note, effect: policy.effect }, policy, reads: readsOf({}) };
}

/** Places `r0`, `r1`, ...: the even ones on aws. */
function judge(clauses: readonly CompiledClause[], count: number, seller = 'amazon'): readonly Judgement[] {
  const seats = Array.from({ length: count }, (_, i) => ({
    region: placeEntity({
      cloud: i % 2 === 0 ? 'aws' : 'azure',
      region: `r${i}`,
      jurisdiction: 'us',
      sovereignty: 'commercial',
      clearances: [],
    }),
    memo: [],
  }));
  const nobody = entityValue('Session', 's', null);
  const env = {
    principal: nobody,
    action: entityValue('Action', 'infer', null),
    resource: nobody,
    context: recordValue([['seller', seller]]),
    entities: new Map(),
    callMemo: [],
    placeMemo: null,
  };
  return judgePlaces(clauses, env, blocksOf(seats));
}

const cited = (judgements: readonly Judgement[]): string[] =>
  judgements.map(({ permits, forbids, errors }) =>
    [
      ...permits.map(ref => `+${ref.clause}`),
      ...forbids.map(ref => `-${ref.clause}`),
      ...errors.map(error => `!${error.clause.clause}`),
    ].join(' '),
  );

const ON_AWS = clause('aws', 'permit (principal, action, resource in Cloud::"aws");');
const SOLD = clause(
  'sold',
  'forbid (principal, action, resource) unless { resource in Cloud::"aws" || context.seller == "openai" };',
);

describe('the places of a call', () => {
  test.each([0, 1, PLACES_A_BLOCK - 1, PLACES_A_BLOCK, PLACES_A_BLOCK + 1, 2 * PLACES_A_BLOCK + 1])(
    'are all judged, in order, if they are %i',
    count => {
      const expected = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? '+aws' : '-sold'));
      expect(cited(judge([ON_AWS, SOLD], count))).toEqual(expected);
    },
  );

  test('are judged anew for another call', () => {
    expect(cited(judge([ON_AWS, SOLD], 2, 'openai'))).toEqual(['+aws', '']);
  });

  test('are known to a clause that names one, each only at itself', () => {
    const above = clause('above', 'permit (principal, action, resource) when { Region::"r0" in Cloud::"aws" };');
    const law = clause('law', 'permit (principal, action, resource) when { Region::"r0".jurisdiction == "us" };');
    expect(cited(judge([above, law], 3))).toEqual(['+above +law', '!law', '!law']);
  });

  test('share their judgement, except where a clause fails at each for a reason of its own', () => {
    const alike = judge([ON_AWS, SOLD], 4);
    expect(alike[0]).toBe(alike[2]);
    const odd = clause('odd', 'permit (principal, action, resource) when { resource.missing };');
    const [first, second] = judge([odd], 2);
    expect(first?.errors[0]?.message).toContain('r0');
    expect(second?.errors[0]?.message).toContain('r1');
  });
});

test('a part that fails is evaluated only where Cedar would have evaluated it', () => {
  const guarded = clause(
    'guarded',
    'permit (principal, action, resource) when { if resource in Cloud::"azure" then context.seller == "amazon" else context.missing };',
  );
  const spared = clause(
    'spared',
    'permit (principal, action, resource) when { resource.jurisdiction == context.seller && context.missing };',
  );
  expect(cited(judge([guarded, spared], 2))).toEqual(['!guarded', '+guarded']);
  expect(cited(judge([spared], 1, 'us'))).toEqual(['!spared']);
});
