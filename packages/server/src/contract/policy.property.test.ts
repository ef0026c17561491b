/** The compiled closures against cedar-wasm, on random policies and requests. PERDURE_PROPERTY_RUNS raises the number of samples. */
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { entitiesFromJson, knownEntity, recordFromJson } from './cedar-json.ts';
import { OPERATORS } from './expression.ts';
import { memoPlan } from './remembered.ts';
import { type CompiledPolicy, evaluate } from './policy.ts';
import {
  arbitraryPolicySet,
  arbitraryRequest,
  compileLinked,
  estOf,
  type PolicyText,
  type RandomRequest,
} from './random-policy.test-support.ts';
import type { Memo } from './value.ts';

const DEFAULT_SAMPLES = 3000;
const SAMPLES = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? DEFAULT_SAMPLES);
const REQUESTS_EACH = 4;
const LEAST_SHARE = 0.2;
const LEAST_USES = 20;

const arbitraryRequests = fc.array(arbitraryRequest(), { minLength: REQUESTS_EACH, maxLength: REQUESTS_EACH });

interface Seen {
  readonly reasons: string[];
  readonly errors: string[];
}

/** Hands the policies to Cedar once; the requests then name them. */
function preparse(policies: readonly PolicyText[]): void {
  const links = policies.filter(policy => policy.slots !== null);
  const answer = cedar.preparsePolicySet('random', {
    staticPolicies: Object.fromEntries(policies.filter(p => p.slots === null).map(p => [p.id, p.text])),
    templates: Object.fromEntries(links.map(p => [`template of ${p.id}`, p.text])),
    templateLinks: links.map(p => ({ templateId: `template of ${p.id}`, newId: p.id, values: { ...p.slots } })),
  });
  if (answer.type === 'failure') throw new Error(answer.errors.map(error => error.message).join('; '));
}

function byCedar(request: RandomRequest): Seen {
  const answer = cedar.statefulIsAuthorized({
    ...request,
    entities: [...request.entities] as cedar.EntityJson[],
    context: request.context as cedar.Context,
    preparsedPolicySetId: 'random',
  });
  if (answer.type === 'failure') throw new Error(answer.errors.map(error => error.message).join('; '));
  const { reason, errors } = answer.response.diagnostics;
  return { reasons: reason.toSorted(), errors: errors.map(error => error.policyId).toSorted() };
}

function compileAll(ests: ReadonlyMap<string, unknown>, policies: readonly PolicyText[]): Map<string, CompiledPolicy> {
  const compiled = new Map<string, CompiledPolicy>();
  const plan = memoPlan();
  for (const policy of policies) compiled.set(policy.id, compileLinked(policy, ests.get(policy.id), plan));
  return compiled;
}

function byUs(
  compiled: ReadonlyMap<string, CompiledPolicy>,
  request: RandomRequest,
  callMemo: Memo | null,
  placeMemo: Memo | null,
): Seen {
  const entities = entitiesFromJson(request.entities);
  const result = evaluate(compiled, {
    principal: knownEntity(request.principal, entities),
    action: knownEntity(request.action, entities),
    resource: knownEntity(request.resource, entities),
    context: recordFromJson(request.context),
    entities,
    callMemo,
    placeMemo,
  });
  return { reasons: result.reasons.toSorted(), errors: result.errors.toSorted() };
}

/** Counts the operators of an expression in Cedar's JSON form. */
function countOperators(json: unknown, into: Map<string, number>): void {
  if (typeof json !== 'object' || json === null) return;
  if (Array.isArray(json)) {
    for (const item of json) countOperators(item, into);
    return;
  }
  for (const [key, value] of Object.entries(json)) {
    if (OPERATORS.includes(key)) into.set(key, (into.get(key) ?? 0) + 1);
    if (key !== 'Value' && key !== 'Var') countOperators(value, into);
  }
}

/** What a long run has seen, to be looked at. */
function reportOf(outcomes: Readonly<Record<string, number>>, operators: ReadonlyMap<string, number>): string {
  const total = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const shares = Object.entries(outcomes).map(
    ([kind, count]) => `${kind} ${count} (${((100 * count) / total).toFixed(1)}%)`,
  );
  const uses = OPERATORS.map(operator => `${operator} ${operators.get(operator) ?? 0}`);
  return `${total} requests decided as Cedar decides them: ${shares.join(', ')}\nuses of each operator: ${uses.join(', ')}\n`;
}

const TIMEOUT_MS = 60_000 + SAMPLES * 20;

test(
  'compiled policies give the reasons and the errors that Cedar gives',
  () => {
    const operators = new Map<string, number>();
    const outcomes = { allow: 0, deny: 0, error: 0 };
    fc.assert(
      fc.property(arbitraryPolicySet(), arbitraryRequests, (policies, requests) => {
        const ests = new Map(policies.map(policy => [policy.id, estOf(policy)]));
        for (const est of ests.values()) countOperators((est as { conditions: unknown }).conditions, operators);
        const compiled = compileAll(ests, policies);
        preparse(policies);
        for (const request of requests) {
          const callMemo: Memo = [];
          const placeMemo: Memo = [];
          const ours = byUs(compiled, request, callMemo, placeMemo);
          expect(ours).toEqual(byCedar(request));
          // Once more, from what the first run remembered.
          expect(byUs(compiled, request, callMemo, placeMemo)).toEqual(ours);
          const permitted = ours.reasons.some(id => compiled.get(id)?.effect === 'permit');
          outcomes[ours.errors.length > 0 ? 'error' : permitted ? 'allow' : 'deny'] += 1;
        }
      }),
      { numRuns: Math.ceil(SAMPLES / REQUESTS_EACH) },
    );
    if (SAMPLES > DEFAULT_SAMPLES) process.stdout.write(reportOf(outcomes, operators));
    expect(OPERATORS.filter(operator => (operators.get(operator) ?? 0) < LEAST_USES)).toEqual([]);
    const total = outcomes.allow + outcomes.deny + outcomes.error;
    for (const count of Object.values(outcomes))
      expect(count / total, JSON.stringify(outcomes)).toBeGreaterThan(LEAST_SHARE);
  },
  TIMEOUT_MS,
);
