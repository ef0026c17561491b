/** L7: an approval opens what it was given for, and nothing else (criterion: approving one set of arguments can never run another). */
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json, JsonObject } from '../log/events.ts';
import { type ApprovalBinding, bindingDigest, opens } from './approval.ts';
import { canonicalJson } from './canonical.ts';
import type { Sha256 } from './digest.ts';

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 2000);
const sha256: Sha256 = (...parts) => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
};

/** Few letters, and those that the form itself uses: collisions are looked for where they would be. */
const part = fc.string({ unit: fc.constantFrom('a', '1', ':', ' ', '-', '\n', 'é'), maxLength: 6 });
const binding: fc.Arbitrary<ApprovalBinding> = fc.record({
  tenant: part,
  session: part,
  callId: part,
  tool: part,
  agent: fc.option(fc.record({ id: part, version: fc.integer({ min: 1, max: 12 }) })),
  definition: fc.option(part),
  arguments: part,
});

test('L7: two bindings share a digest only if they are the same in every field', () => {
  fc.assert(
    fc.property(binding, binding, (a, b) => {
      const same = canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json);
      expect(opens(sha256, bindingDigest(sha256, a), b)).toBe(same);
      expect(opens(sha256, bindingDigest(sha256, a), structuredClone(a))).toBe(true);
    }),
    { numRuns: RUNS },
  );
});

test('L7: a change of any one bound field changes the digest', () => {
  const fields = ['tenant', 'session', 'callId', 'tool', 'agent', 'definition', 'arguments'] as const;
  const seen = new Set<string>();
  fc.assert(
    fc.property(binding, binding, fc.constantFrom(...fields), (a, b, field) => {
      const changed = { ...a, [field]: b[field] };
      if (JSON.stringify(a[field]) === JSON.stringify(b[field])) return;
      seen.add(field);
      expect(bindingDigest(sha256, changed)).not.toBe(bindingDigest(sha256, a));
    }),
    { numRuns: RUNS },
  );
  expect([...seen].toSorted()).toEqual([...fields].toSorted());
});

test('L7: moving a character from one field to the next changes the digest', () => {
  fc.assert(
    fc.property(binding, part, (a, more) => {
      if (more === '') return;
      const left = { ...a, tenant: a.tenant + more };
      const right = { ...a, session: more + a.session };
      expect(bindingDigest(sha256, left)).not.toBe(bindingDigest(sha256, right));
    }),
    { numRuns: RUNS },
  );
});

const json = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(n => (Object.is(n, -0) ? 0 : n)),
    fc.string({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 3 }),
  ) as fc.Arbitrary<Json>,
})).value;
const args = fc.dictionary(fc.string({ maxLength: 3 }), json, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>;

function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every(
      name =>
        Object.hasOwn(b, name) && sameJson((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
    )
  );
}

test('arguments have one canonical text: the same in any order of their fields, and read back as they were', () => {
  fc.assert(
    fc.property(args, args, (a, b) => {
      expect(sameJson(JSON.parse(canonicalJson(a)), a)).toBe(true);
      expect(canonicalJson(Object.fromEntries(Object.entries(a).toReversed()))).toBe(canonicalJson(a));
      expect(canonicalJson(a) === canonicalJson(b)).toBe(sameJson(a, b));
    }),
    { numRuns: RUNS },
  );
});
