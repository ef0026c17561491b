import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { WEIGHT_OF_TOKEN } from '../../kernel/text-tokens.ts';
import { type LoggedItem, textOf } from '../../log/events.ts';
import { isCall, isDigest, isInstruction, isUserMessage, openCallIds, pairs, weightOf } from './items.ts';
import { conversation } from './items.test-support.ts';
import { selectContent, type SelectionOptions } from './select.ts';

const options: fc.Arbitrary<SelectionOptions> = fc.oneof(
  fc.record({ budget: fc.integer({ min: 0, max: 6000 }), users: fc.constantFrom('within' as const, 'apart' as const) }),
  fc.record({
    budget: fc.integer({ min: 0, max: 6000 }),
    users: fc.constantFrom('within' as const, 'apart' as const),
    summary: fc.constantFrom('', 'They agreed on 8443.\nAda pays.', 'One of the long ones. '.repeat(200)),
  }),
);
const RUNS = { numRuns: Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 300) };
const must = (items: readonly LoggedItem[]) => {
  const open = new Set(openCallIds(items));
  return items.filter(item => isInstruction(item) || (isCall(item) && open.has(textOf(item['call_id']))));
};

test('K1: system and developer messages and open calls stay whole, whatever the budget', () => {
  fc.assert(
    fc.property(conversation, options, (items, how) => {
      const { content } = selectContent(items, how);
      for (const item of must(items)) expect(content).toContain(item);
    }),
    RUNS,
  );
});

test('K2: no call without its output, no output without its call', () => {
  fc.assert(
    fc.property(conversation, options, (items, how) => {
      const { content } = selectContent(items, how);
      expect(openCallIds(content)).toEqual(openCallIds(items));
      const paired = pairs(content);
      content.forEach((item, index) => {
        if (item.type === 'function_call_output') expect(paired.has(index)).toBe(true);
      });
    }),
    RUNS,
  );
});

test('K3: what is kept fits the budget, if what must stay does', () => {
  fc.assert(
    fc.property(conversation, options, (items, how) => {
      const { content } = selectContent(items, how);
      const room = how.budget * WEIGHT_OF_TOKEN;
      if (weightOf(must(items)) <= room) expect(weightOf(content)).toBeLessThanOrEqual(room);
      else expect(content).toEqual(must(items));
    }),
    RUNS,
  );
});

test('K4: doing it again changes nothing, and the same is always done', () => {
  fc.assert(
    fc.property(conversation, options, (items, { budget, users }) => {
      const once = selectContent(items, { budget, users });
      expect(selectContent(structuredClone(items), { budget, users })).toEqual(once);
      expect(selectContent([...once.users, ...once.content], { budget, users })).toEqual(once);
    }),
    RUNS,
  );
});

test('K5: what is kept stays in its order, with one digest at most; user messages apart are all of them', () => {
  fc.assert(
    fc.property(conversation, options, (items, how) => {
      const { users, content } = selectContent(items, how);
      const whole = content.filter(item => !isDigest(item));
      expect(content.length - whole.length).toBeLessThanOrEqual(1);
      expect(items.filter(item => whole.includes(item))).toEqual(whole);
      expect(users).toEqual(how.users === 'apart' ? items.filter(isUserMessage) : []);
      if (how.users === 'apart') expect(content.some(isUserMessage)).toBe(false);
    }),
    RUNS,
  );
});
