import type { NetworkRules } from '@perdure/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { broadens } from './shapes.ts';

const name = fc
  .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 })
  .map(labels => [...labels, 'example'].join('.'));
const rule = fc.tuple(fc.boolean(), name).map(([below, domain]) => (below ? `*.${domain}` : domain));
const rules: fc.Arbitrary<NetworkRules> = fc.oneof(
  fc.constantFrom('enabled' as const, 'disabled' as const).map(access => ({
    access,
    allowed_domains: [],
    blocked_domains: [],
  })),
  fc.array(rule, { maxLength: 3 }).map(allowed_domains => ({
    access: 'restricted' as const,
    allowed_domains,
    blocked_domains: [],
  })),
  fc.array(name, { minLength: 1, maxLength: 3 }).map(blocked_domains => ({
    access: 'restricted' as const,
    allowed_domains: [],
    blocked_domains,
  })),
);

/** What the rules mean, for one host: a block of a name holds for all below it. */
function reaches({ access, allowed_domains: allowed, blocked_domains: blocked }: NetworkRules, host: string): boolean {
  if (access !== 'restricted') return access === 'enabled';
  if (blocked.length > 0) return !blocked.some(one => host === one || host.endsWith(`.${one}`));
  return allowed.some(one => (one.startsWith('*.') ? host.endsWith(one.slice(1)) : host === one));
}

test('rules that do not broaden reach no host that the others do not', () => {
  fc.assert(
    fc.property(rules, rules, name, (wanted, allowed, host) => {
      if (!broadens(wanted, allowed) && reaches(wanted, host)) expect(reaches(allowed, host)).toBe(true);
    }),
  );
});

test('no rules broaden themselves', () => {
  fc.assert(
    fc.property(rules, one => {
      expect(broadens(one, one)).toBe(false);
    }),
  );
});
