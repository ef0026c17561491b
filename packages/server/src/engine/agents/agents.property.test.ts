import { createHash, randomFillSync } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type HomeId, makeIds, type TenantId } from '../../kernel/ids.ts';
import { auditEntry } from '../../main/govern/audit.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import { makeAgents } from './agents.ts';
import type { AgentVersion } from './version.ts';

type Step =
  | { readonly do: 'update'; readonly model: string; readonly name: string | null }
  | { readonly do: 'rollback'; readonly to: number }
  | { readonly do: 'delete' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      model: fc.constantFrom('a', 'b', 'c'),
      name: fc.option(fc.string({ maxLength: 5 })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('rollback' as const), to: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'delete' as const }) },
);

test('G1: whatever is done to an agent, alone or at once, its versions are one row of numbers, and each stays what it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), async rounds => {
      let at = 1_774_008_000_000;
      const clock = { now: () => (at += 1), monotonic: () => at };
      const store = openMemoryHome({ home: 'local' as HomeId, clock });
      const who = { tenant: 'acme' as TenantId, principal: 'key_1' };
      const agents = makeAgents({
        store,
        now: clock.now,
        ids: makeIds(clock, into => randomFillSync(into)),
        random: into => randomFillSync(into),
        sha256: (...parts) => createHash('sha256').update(parts.map(String).join('')).digest(),
        audit: ({ who: actor, ...rest }) => auditEntry({ ...rest, actor }),
      });
      const made = await agents.create(who, { config: { model: 'a' }, secrets: [] });
      const seen = new Map<number, AgentVersion>([[1, made.now]]);
      for (const round of rounds) {
        const done = await Promise.allSettled(
          round.map(async one => {
            if (one.do === 'delete') return agents.delete(who, made.id);
            if (one.do === 'rollback') return (await agents.rollBack(who, made.id, one.to)).now;
            return (await agents.update(who, made.id, { config: { model: one.model }, name: one.name, secrets: [] }))
              .now;
          }),
        );
        for (const one of done) {
          if (one.status === 'rejected') {
            expect(one.reason).toMatchObject({ code: expect.stringMatching(/^agent_(version_)?not_found$/) });
          } else if (one.value !== undefined) {
            const { value } = one;
            // An update that changes nothing answers with the version in force.
            expect(seen.get(value.version) ?? value).toEqual(value);
            seen.set(value.version, value);
            if (value.rolledBackTo !== null) {
              const { name, metadata, config } = value;
              expect({ name, metadata, config }).toEqual(pick(seen.get(value.rolledBackTo)));
            }
          }
        }
      }
      const { data } = await agents.versions(who, made.id, { order: 'asc', limit: 100, after: null });
      expect(data.map(({ version }) => version)).toEqual(data.map((_, i) => i + 1));
      expect(data).toEqual([...seen.values()].toSorted((a, b) => a.version - b.version));
      const changes = (await store.audit(0, 1000)).filter(({ action }) => action !== 'agent.deleted');
      expect(changes.map(({ body }) => (JSON.parse(body) as AgentVersion).digest)).toEqual(data.map(one => one.digest));
    }),
  );
});

function pick(version: AgentVersion | undefined): object {
  return { name: version?.name, metadata: version?.metadata, config: version?.config };
}
