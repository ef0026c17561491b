import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { InputItem } from '../responses/items.ts';
import { chatToItems, itemsToChat } from './convert.ts';
import type { ChatMessage } from './messages.ts';
import { parseChatRequest } from './request-schema.ts';

const text = fc.string({ maxLength: 20 });
const parts = fc
  .array(text, { minLength: 1, maxLength: 3 })
  .map(list => list.map(one => ({ type: 'text' as const, text: one })));
const plain = fc.oneof(
  parts.map((content): ChatMessage[] => [{ role: 'user', content }]),
  parts.map((content): ChatMessage[] => [{ role: 'developer', content }]),
  parts.map((content): ChatMessage[] => [{ role: 'assistant', content, tool_calls: [] }]),
);
/** An assistant message with calls, and their answers in any order. */
const round = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.oneof(fc.constant([]), parts), text, fc.boolean(), fc.boolean())
  .map(([count, content, said, backwards, evenCustom]): ChatMessage[] => {
    const ids = Array.from({ length: count }, (_, index) => `call_${index}`);
    const answers = backwards ? ids.toReversed() : ids;
    return [
      {
        role: 'assistant',
        content,
        tool_calls: ids.map((id, index) =>
          (index % 2 === 0) === evenCustom
            ? { id, type: 'custom', custom: { name: 'g', input: said } }
            : { id, type: 'function', function: { name: 'f', arguments: said } },
        ),
      },
      ...answers.map(
        (id): ChatMessage => ({ role: 'tool', tool_call_id: id, content: [{ type: 'text', text: said }] }),
      ),
    ];
  });
const talk = fc.array(fc.oneof(plain, round), { minLength: 1, maxLength: 6 }).map(list => list.flat());

/** Without the empty texts of the assistant, which are nothing beside its calls. */
const told = (items: readonly InputItem[]): readonly unknown[] =>
  items.flatMap((item): readonly unknown[] => {
    if (item.type !== 'message' || item.role !== 'assistant') return [item];
    const content = item.content.filter(part => part.type !== 'output_text' || part.text !== '');
    return content.length === 0 ? [] : [{ ...item, content }];
  });

it('loses nothing of a talk on the way to items and back', () => {
  fc.assert(
    fc.property(talk, messages => {
      const back = itemsToChat(chatToItems(messages).filter(item => item.type !== 'item_reference'));
      // A message and the calls after it may have been two messages; as items they are the same.
      expect(told(chatToItems(back))).toEqual(told(chatToItems(messages)));
      const again = itemsToChat(chatToItems(back).filter(item => item.type !== 'item_reference'));
      expect(told(chatToItems(again))).toEqual(told(chatToItems(back)));
    }),
    { numRuns: 500 },
  );
});

it('makes messages that are valid', () => {
  fc.assert(
    fc.property(talk, messages => {
      const back = itemsToChat(chatToItems(messages).filter(item => item.type !== 'item_reference'));
      expect(parseChatRequest({ model: 'm', messages: back }).ok).toBe(true);
    }),
    { numRuns: 200 },
  );
});
