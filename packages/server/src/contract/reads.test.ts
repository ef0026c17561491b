import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { expect, test } from 'vitest';
import { keeper, MAX_KEPT } from './kept.ts';
import { readsOf } from './reads.ts';

function reads(condition: string): string[] {
  const answer = cedar.policyToJson(`permit (principal, action, resource) when { ${condition} };`);
  if (answer.type === 'failure') throw new Error(answer.errors.map(error => error.message).join('; '));
  const { moments, ...facts } = readsOf(answer.json);
  const days = moments.map(ms => new Date(ms).toISOString().slice(0, 10));
  return [...Object.entries(facts).flatMap(([fact, does]) => (does ? [fact] : [])), ...days];
}

const OF_CALL = ['time', 'events', 'firstRefusal', 'spend', 'agent'];
const ALL = ['time', 'use', 'events', 'firstRefusal', 'spend', 'tool', 'destination', 'agent'];

test.each<[string, string[]]>([
  ['context.call.vendor == Vendor::"openai"', []],
  ['context.call.channel.kind == "direct"', []],
  ['context.class == "stateful" && context.segment == "us-gov"', []],
  ['resource.at == principal.at && resource.use == principal.events', []],
  ['context.call.use == 1', []],
  ['context.use.turns <= 1', ['use']],
  ['context.call.stateHeld || context.use.toolsRun > 0', ['use']],
  ['context.use == context.use', ['use']],
  ['context.call.events.contains("agi-verified")', ['events']],
  ['context.events.contains("agi-verified")', ['events']],
  ['context.call.firstRefusal.declined.contains("x")', ['firstRefusal']],
  ['context.firstRefusal.lapsed.contains("x")', ['firstRefusal']],
  ['context.call.spend.month > 1', ['spend']],
  ['context.call.spend == {month: 1, total: 1}', ['spend']],
  ['context.call.at > datetime("2026-01-01")', ['2026-01-01']],
  ['datetime("2026-01-01") <= context.at || context.at < datetime("2026-02-01")', ['2026-01-01', '2026-02-01']],
  ['context.call.at.offset(duration("1d")) > datetime("2026-01-01")', ['time']],
  ['context.call.at > context.call.at', ['time']],
  ['context.call.at > datetime("no day")', ['time']],
  ['context.call == context.call', OF_CALL],
  ['[context.call].contains({})', OF_CALL],
  ['context.call has at', ['time']],
  ['context has call', OF_CALL],
  ['context.call has agent && context.call.agent.id == "a"', ['agent']],
  ['context.call has agent.version', ['agent']],
  ['principal.key == "k"', ['key']],
  ['principal has scopes', ['key']],
  ['principal.scopes.contains("responses")', ['key']],
  ['(if context.class == "stateful" then principal else principal).key == "k"', ['key']],
  ['principal.labels.contains("x") && principal in Tenant::"acme"', []],
  ['resource.id == "a" && resource.model == "b" && resource.accelerator == "c"', []],
  ['context.tool.name == "shell"', ['tool']],
  ['context.destination.host like "*.test"', ['destination']],
  ['context has use', ['use']],
  ['context has unheardOf', ALL],
  ['context == {}', ALL],
  ['[context].contains({})', ALL],
  ['(if true then context else context).call.at == context.class', ALL],
  ['(if true then context else context).use.turns == 0', ALL],
  ['context.unheardOf == 1', ALL],
])('%s reads %j', (condition, expected) => {
  expect(reads(condition).toSorted()).toEqual(expected.toSorted());
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
