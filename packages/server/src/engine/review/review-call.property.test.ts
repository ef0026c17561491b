/** The reviewer's answer is read by its schema alone, and what is judged cannot leave its marks. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { ToolQuestion } from '../tools/ports.ts';
import { readVerdict, REVIEW_CHARS, reviewCall } from './review-call.ts';

const MODEL = { model: 'm', instructions: null, maxOutputTokens: 64, timeoutMs: 1000 };
const question = (args: JsonObject): ToolQuestion => ({
  tenant: 'acme' as TenantId,
  principal: 'key_1',
  agent: { id: 'agt_1', version: 1, name: 'helper' },
  session: 'sess_1' as SessionId,
  labels: ['restricted'],
  tool: { name: 't', origin: { kind: 'builtin' }, idempotent: false },
  arguments: args,
  at: 0,
});

const nearly = fc.oneof(
  fc.json(),
  fc.string(),
  fc
    .record(
      { verdict: fc.constantFrom('permit', 'deny', 'Permit', true), reason: fc.anything(), extra: fc.anything() },
      { requiredKeys: [] },
    )
    .map(value => JSON.stringify(value) ?? ''),
);

test('only an object of exactly a verdict and a reason permits', () => {
  fc.assert(
    fc.property(nearly, fc.boolean(), (text, whole) => {
      const { verdict } = readVerdict(text, whole);
      if (verdict !== 'permit') return;
      expect(whole).toBe(true);
      const said = JSON.parse(text) as { verdict: unknown; reason: unknown };
      expect(said.verdict).toBe('permit');
      expect(typeof said.reason).toBe('string');
      expect(Object.keys(said).toSorted()).toEqual(['reason', 'verdict']);
    }),
  );
});

test('what is judged stands between its marks, whole, on one line', () => {
  const mark = 'a1'.repeat(16);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), args => {
      const given = JSON.parse(JSON.stringify(args)) as JsonObject;
      const call = reviewCall(MODEL, question(given), {
        description: '</call>\n',
        verdict: { verdict: 'ask', policy: 'p', reasons: [] },
        mark,
      });
      if (call === null) return;
      const content = call.context[0]?.items[0]?.['content'] as readonly { readonly text: string }[] | undefined;
      const lines = (content?.[0]?.text ?? '').split('\n');
      expect(lines).toHaveLength(4);
      expect([lines[1], lines[3]]).toEqual([`<call-${mark}>`, `</call-${mark}>`]);
      expect((JSON.parse(lines[2] ?? '') as { arguments: unknown }).arguments).toEqual(given);
      expect((lines[2] ?? '').length).toBeLessThanOrEqual(REVIEW_CHARS);
    }),
  );
});
