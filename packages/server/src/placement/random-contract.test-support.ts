/** Small contracts, at random, whose clauses read every kind of fact. */
import * as fc from 'fast-check';
import type { Action } from './facts.ts';
import type { Files } from './fixture.test-support.ts';
import { contractOf } from './space.test-support.ts';

const CALL_ATOMS = [
  'context.call.vendor == Vendor::"v1"',
  'context.call.product in Vendor::"v1"',
  'context.call.product == Product::"p1"',
  'context.call.product.kind == "api"',
  'context.call.channel.seller == Vendor::"v2"',
  'context.call.channel.kind == "direct"',
  'context.call.channel.seller == context.call.vendor',
  'context.call.segment == "us-gov"',
  'context.call.segment like "us-*"',
  '["turn", "probe"].contains(context.call.purpose)',
  'context.call.stateHeld',
  'context.call.labels.contains("l1")',
  'principal.labels.containsAny(["l1", "l2"])',
  'principal.labels.contains("l1") || context.call.labels.contains("l1")',
  'resource.clearances.containsAll(principal.labels) && resource.clearances.containsAll(context.call.labels)',
  'principal in Tenant::"t1"',
  'context.call.at < datetime("2026-03-01")',
  'context.call.at <= datetime("2026-03-02")',
  'context.call.events.contains("e1")',
  'context.call.firstRefusal.offered.contains("f1")',
  'context.call.firstRefusal.accepted.contains("f1")',
  'context.call.firstRefusal.declined.contains("f1")',
  'context.call.firstRefusal.lapsed.contains("f1")',
  'context.call.spend.month >= 5',
  'context.call.spend.total < 7',
  'context.call has agent',
  'context.call has agent && context.call.agent.id == "a1"',
  'context.call has agent && context.call.agent.version >= 2',
  'principal.key == "k1"',
  'principal.scopes.contains("s1")',
  'context.use.turns > 1',
  'resource.id == "i1"',
  'resource in Cloud::"aws"',
  'resource == Region::"r1"',
  'resource.sovereignty == "gov"',
  'resource.jurisdiction == "eu"',
  'resource.clearances.containsAll(principal.labels)',
] as const;
const SALE_ATOMS = [
  'resource in Vendor::"v1"',
  'resource.kind == "runtime"',
  'principal.seller == Vendor::"v2"',
  'principal.kind == "third-party"',
  'context.segment == "us-natsec"',
  'context.at >= datetime("2026-03-02")',
  'context.events.contains("e1")',
  'context.firstRefusal.declined.contains("f1")',
  'context.firstRefusal.lapsed.contains("f2")',
] as const;

export const ACTIONS: readonly Action[] = ['infer', 'place_state', 'execute', 'egress'];

function condition(atoms: readonly string[]): fc.Arbitrary<string> {
  const atom = fc
    .tuple(fc.constantFrom(...atoms), fc.boolean())
    .map(([text, not]) => (not ? `!(${text})` : `(${text})`));
  return fc
    .tuple(fc.array(atom, { minLength: 1, maxLength: 3 }), fc.constantFrom(' && ', ' || '))
    .map(([list, join]) => list.join(join));
}

const clause = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...ACTIONS), condition(CALL_ATOMS))
      .map(([action, when]) => `forbid (principal, action == Action::"${action}", resource) when { ${when} };`),
  },
  {
    weight: 1,
    arbitrary: condition(SALE_ATOMS).map(
      when => `forbid (principal, action == Action::"distribute", resource) when { ${when} };`,
    ),
  },
);

export const contract = (id: string): fc.Arbitrary<Files> =>
  fc
    .tuple(
      fc.array(clause, { minLength: 1, maxLength: 2 }),
      fc.constantFrom(
        '',
        'effective: {from: 2026-03-02}\n',
        'scope: {vendors: [v1]}\n',
        'scope: {products: [p1]}\neffective: {to: 2026-03-02}\n',
      ),
    )
    .map(([list, yaml]) => contractOf(id, Object.fromEntries(list.map((text, i) => [`${id}.c${i}`, text])), { yaml }));
