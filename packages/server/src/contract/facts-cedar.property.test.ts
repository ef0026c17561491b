/** What clauses are told, against Cedar: its own engine, asked with the same facts written down by hand, says of every clause what we say. */
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RuleFacts, RulePlace, RuleUse } from './facts.ts';
import { findingLine } from './finding.ts';
import { loadContract } from './load.ts';
import { NOTHING_RECORDED } from './recorded.ts';
import { CONTRACT_SCHEMA, PLACE_ACTIONS, type PlaceAction } from './schema.ts';

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 300);

const CONDITIONS = [
  'principal.key == "k1"',
  'principal.scopes.contains("agents")',
  'principal.scopes.containsAll(["agents", "responses"])',
  'context.call has agent',
  'context.call has agent && context.call.agent.id == "a"',
  'context.call has agent && context.call.agent.version > 1',
  'context.call has agent.version && context.call.agent.version == 2',
  'resource.id == "west"',
  'resource.id like "w*"',
  'resource.model == "gpt"',
  'resource has accelerator && resource.accelerator == "gpu"',
  'resource.accelerator == "trainium"',
  'resource.model == resource.id',
  'principal.key == resource.id',
  'context.use.turns > 1',
  'context.use.turns + context.use.toolsRun == 3',
  'context.use.filesTouched * 9007199254740991 > 9007199254740991',
  'context.use.itemsRead == 0 && context.use.memoryReads == 0',
  'context.use == {turns: 1, itemsRead: 0, memoryReads: 0, toolsRun: 2, filesTouched: 0}',
];
const IN =
  'principal, action in [Action::"infer", Action::"place_state", Action::"execute", Action::"egress"], resource';
const POLICIES = Object.fromEntries(
  CONDITIONS.map((condition, i) => [`c${i}`, `forbid (principal, action, resource) when { ${condition} };`]),
);

const { contract, findings } = loadContract({
  'contract.yaml': `id: test\nversion: "1"\ntitle: x\nsources: {s: {title: x}}\nclauses:\n${[
    'base',
    ...Object.keys(POLICIES),
  ]
    .map(id => `  ${id}: {source: s, confidence: A, summary: x}\n`)
    .join('')}`,
  'clauses.cedar': `@id("base") permit (principal, action, resource);\n${Object.entries(POLICIES)
    .map(([id, text]) => `@id("${id}") @cite("x") ${text.replace('principal, action, resource', IN)}\n`)
    .join('')}`,
});

interface Asked {
  readonly action: PlaceAction;
  readonly facts: RuleFacts;
  readonly places: readonly RulePlace[];
}

const anyUse: fc.Arbitrary<RuleUse> = fc.record({
  turns: fc.nat(3),
  itemsRead: fc.nat(1),
  memoryReads: fc.constant(0),
  toolsRun: fc.nat(3),
  filesTouched: fc.nat(3),
});
/** The one that a condition asks for, which chance would seldom draw. */
const THE_USE: RuleUse = { turns: 1, itemsRead: 0, memoryReads: 0, toolsRun: 2, filesTouched: 0 };
const use = fc.oneof({ arbitrary: anyUse, weight: 5 }, { arbitrary: fc.constant(THE_USE), weight: 1 });
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined, freq: 3 });
const scopes = fc.subarray(['agents', 'responses', 'operator']);

const place: fc.Arbitrary<RulePlace> = fc
  .record({
    id: fc.constantFrom('west', 'east', 'k1', 'gpt'),
    model: maybe(fc.constantFrom('gpt', 'mini')),
    accelerator: fc.constantFrom(null, 'gpu', 'trainium'),
  })
  .map(({ id, model, accelerator }) => ({
    id,
    cloud: 'aws',
    region: 'us-1',
    jurisdiction: 'us',
    sovereignty: 'commercial',
    clearances: [],
    accelerator,
    ...(model !== undefined && { model }),
  }));

const asked: fc.Arbitrary<Asked> = fc
  .record({
    action: fc.constantFrom(...PLACE_ACTIONS),
    agent: maybe(fc.record({ id: fc.constantFrom('a', 'b'), version: fc.integer({ min: 1, max: 3 }) })),
    key: maybe(fc.constantFrom('k1', 'k2')),
    scopes: maybe(scopes),
    soFar: maybe(use),
    // What a session did in all is told to no clause.
    use: maybe(use),
    places: fc.array(place, { minLength: 1, maxLength: 3 }),
  })
  .map(({ action, agent, key, scopes: held, soFar, use: inAll, places }) => ({
    action,
    places,
    facts: {
      session: {
        tenant: 'acme',
        product: { id: 'api', vendor: 'openai', kind: 'api' },
        channel: { id: 'direct', seller: 'openai', kind: 'direct' },
        segment: 'commercial',
        stateHeld: true,
        ...(inAll !== undefined && { use: inAll }),
      },
      vendor: 'openai',
      purpose: 'turn',
      sessionLabels: [],
      requestLabels: [],
      at: 0,
      spend: { month: 0, total: 0 },
      recorded: NOTHING_RECORDED,
      ...(agent !== undefined && { agent }),
      ...(key !== undefined && { principal: { key, ...(held !== undefined && { scopes: held }) } }),
      ...(soFar !== undefined && { soFar }),
      ...(action === 'execute' && { tool: { name: 'shell', origin: 'builtin' } }),
      ...(action === 'egress' && { destination: { host: 'a.example', use: 'web' } }),
    },
  }));

function requestOf({ action, facts }: Asked, { id, model, accelerator }: RulePlace) {
  const uid = (type: string, of: string) => ({ type, id: of });
  const none: string[] = [];
  const call = {
    vendor: { __entity: uid('Vendor', 'openai') },
    product: { __entity: uid('Product', 'api') },
    channel: { __entity: uid('Channel', 'direct') },
    segment: 'commercial',
    purpose: 'turn',
    stateHeld: true,
    labels: none,
    at: { __extn: { fn: 'datetime', arg: '1970-01-01' } },
    events: none,
    firstRefusal: { offered: none, accepted: none, declined: none, lapsed: none },
    spend: { month: 0, total: 0 },
    ...(facts.agent !== undefined && { agent: { ...facts.agent } }),
  };
  return {
    principal: uid('Session', 'session'),
    action: uid('Action', action),
    resource: uid('Region', 'us-1'),
    context: {
      call,
      class: 'stateful',
      ...(facts.soFar !== undefined && { use: { ...facts.soFar } }),
      ...(facts.tool !== undefined && { tool: { ...facts.tool } }),
      ...(facts.destination !== undefined && { destination: { ...facts.destination } }),
    },
    entities: [
      {
        uid: uid('Session', 'session'),
        attrs: {
          labels: none,
          ...(facts.principal !== undefined && { key: facts.principal.key }),
          ...(facts.principal?.scopes !== undefined && { scopes: [...facts.principal.scopes] }),
        },
        parents: [uid('Tenant', 'acme')],
      },
      {
        uid: uid('Region', 'us-1'),
        attrs: {
          jurisdiction: 'us',
          sovereignty: 'commercial',
          clearances: none,
          ...(id !== undefined && { id }),
          ...(model !== undefined && { model }),
          ...(accelerator != null && { accelerator }),
        },
        parents: [uid('Cloud', 'aws')],
      },
      { uid: uid('Product', 'api'), attrs: { kind: 'api' }, parents: [uid('Vendor', 'openai')] },
      {
        uid: uid('Channel', 'direct'),
        attrs: { kind: 'direct', seller: { __entity: uid('Vendor', 'openai') } },
        parents: [],
      },
    ],
  };
}

test('clauses that ask for the agent, the key, the target and what was done say what Cedar says', () => {
  if (contract === null) throw new Error(findings.map(findingLine).join('\n'));
  const parsed = cedar.preparsePolicySet('facts', { staticPolicies: POLICIES });
  if (parsed.type === 'failure') throw new Error(parsed.errors.map(error => error.message).join('; '));
  const seen = new Map<string, Set<string>>();
  let valid = 0;
  fc.assert(
    fc.property(asked, one => {
      const judgements = contract.judge(one.action, one.facts, 'stateful', one.places);
      for (const [i, at] of one.places.entries()) {
        const request = requestOf(one, at);
        const answer = cedar.statefulIsAuthorized({
          ...request,
          context: request.context,
          preparsedPolicySetId: 'facts',
        });
        if (answer.type === 'failure') throw new Error(answer.errors.map(error => error.message).join('; '));
        const { reason, errors } = answer.response.diagnostics;
        const judgement = judgements[i];
        const forbids = judgement?.forbids.map(({ clause }) => clause) ?? [];
        const fails = judgement?.errors.map(({ clause }) => clause.clause) ?? [];
        expect(forbids.toSorted()).toEqual(reason.toSorted());
        expect(fails.toSorted()).toEqual(errors.map(({ policyId }) => policyId).toSorted());
        const outcome = (id: string) => (forbids.includes(id) ? 'holds' : fails.includes(id) ? 'fails' : 'not');
        for (const id of Object.keys(POLICIES)) seen.set(id, (seen.get(id) ?? new Set()).add(outcome(id)));
        // Where everything is known, the facts are of the types that the schema says.
        const { principal, soFar } = one.facts;
        if (principal?.scopes === undefined || soFar === undefined || at.model === undefined || at.accelerator == null)
          continue;
        valid += 1;
        const checked = cedar.isAuthorized({
          ...request,
          context: request.context,
          policies: { staticPolicies: POLICIES },
          schema: CONTRACT_SCHEMA,
          validateRequest: true,
        });
        expect(checked.type === 'failure' ? checked.errors : []).toEqual([]);
      }
    }),
    { numRuns: RUNS },
  );
  expect(valid).toBeGreaterThan(RUNS / 20);
  // Every condition held, and did not; those that can fail did.
  for (const [id, outcomes] of seen) expect([id, outcomes.has('holds'), outcomes.has('not')]).toEqual([id, true, true]);
  const failing = [...seen.values()].filter(outcomes => outcomes.has('fails')).length;
  expect(failing).toBeGreaterThan(8);
});
