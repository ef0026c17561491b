import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { expect, test } from 'vitest';
import { keeper, MAX_KEPT } from './kept.ts';
import { readsTime, readsUse } from './reads-time.ts';

test.each([
  ['context.call.vendor == Vendor::"openai"', false],
  ['context.call.channel.kind == "direct"', false],
  ['context.class == "stateful" && context.segment == "us-gov"', false],
  ['context.use.turns <= 1', false],
  ['resource.at == principal.at', false],
  ['context.call.at > datetime("2026-01-01")', true],
  ['context.at > datetime("2026-01-01")', true],
  ['context.call == context.call', true],
  ['[context.call].contains({})', true],
  ['context.call has at', true],
  ['context == {}', true],
  ['(if true then context else context).call.at == context.class', true],
])('%s: %s', (condition, expected) => {
  const answer = cedar.policyToJson(`permit (principal, action, resource) when { ${condition} };`);
  expect(answer.type === 'success' && readsTime(answer.json)).toBe(expected);
});

test.each([
  ['context.call.vendor == Vendor::"openai" && context.call.at > datetime("2026-01-01")', false],
  ['resource.use == principal.use', false],
  ['context.call.use == 1', false],
  ['context.use.turns <= 1', true],
  ['context.call.stateHeld || context.use.toolsRun > 0', true],
  ['context.use == context.use', true],
  ['context has use', true],
  ['context == {}', true],
  ['[context].contains({})', true],
  ['(if true then context else context).use.turns == 0', true],
])('%s reads the use of a session: %s', (condition, expected) => {
  const answer = cedar.policyToJson(`permit (principal, action, resource) when { ${condition} };`);
  expect(answer.type === 'success' && readsUse(answer.json)).toBe(expected);
});

test('results are kept up to the bound', () => {
  const kept = keeper<number>();
  let made = 0;
  const ask = (i: number) => kept(`key ${i}`, () => ++made);
  for (let i = 0; i < MAX_KEPT; i++) ask(i);
  expect(ask(0)).toBe(1);
  ask(MAX_KEPT);
  expect(ask(0)).toBe(MAX_KEPT + 2);
});
