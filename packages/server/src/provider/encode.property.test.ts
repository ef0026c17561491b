/** What an upstream is sent is what our own wire takes: both dialects, over any history of calls, cut into runs anywhere. */
import { parseChatRequest, parseCreateResponse } from '@perdure/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LoggedItem } from '../log/events.ts';
import { asFunction } from './local-items.ts';
import { openaiChat } from './openai-chat/dialect.ts';
import { openaiResponses } from './openai-responses/dialect.ts';

const text = fc.string({ maxLength: 12, unit: 'binary' }).map(value => value.toWellFormed());
const KINDS = ['function_call', 'custom_tool_call', 'local_shell_call', 'shell_call', 'apply_patch_call'] as const;
const status = 'completed';

function callOf(type: (typeof KINDS)[number], call_id: string, said: string): LoggedItem {
  const at = { type, id: `x_${call_id}`, status, call_id };
  if (type === 'function_call') return { ...at, name: 'f', arguments: said };
  if (type === 'custom_tool_call') return { ...at, name: 'g', input: said };
  return type === 'apply_patch_call' ? { ...at, operation: { path: said } } : { ...at, action: { commands: [said] } };
}
function outputOf(type: (typeof KINDS)[number], call_id: string, said: string): LoggedItem {
  const at = { type: `${type}_output`, id: `y_${call_id}`, status, call_id };
  if (type === 'shell_call') return { ...at, output: [{ stdout: said }] };
  return type === 'apply_patch_call' && said === '' ? { ...at, status: 'failed' } : { ...at, output: said };
}

const spoken = fc.tuple(fc.constantFrom('user', 'assistant', 'developer'), text).map(([role, said]): LoggedItem[] => {
  const part =
    role === 'assistant' ? { type: 'output_text', text: said, annotations: [] } : { type: 'input_text', text: said };
  return [{ type: 'message', id: 'm', status, role, content: [part] }];
});
/** Parallel calls of any kinds, answered in any order. */
const round = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom(...KINDS), text), { minLength: 1, maxLength: 4 }),
    text,
    fc.boolean(),
    fc.nat(),
  )
  .map(([calls, said, backwards, salt]) => {
    const ids = calls.map((_, index) => `call_${salt}_${index}`);
    const outputs = calls.map(([type], index) => outputOf(type, ids[index] ?? '', said));
    return [
      ...calls.map(([type, input], index) => callOf(type, ids[index] ?? '', input)),
      ...(backwards ? outputs.toReversed() : outputs),
    ];
  });
const history = fc.array(fc.oneof(spoken, round), { minLength: 1, maxLength: 5 });

const fieldsOf = (body: Buffer): { readonly input?: unknown; readonly messages?: unknown } =>
  JSON.parse(body.toString('utf8')) as { input?: unknown; messages?: unknown };
const options = { unsealed: false, whole: false };

test('a Responses upstream is sent items that say the same', () => {
  fc.assert(
    fc.property(history, parts => {
      const { body } = openaiResponses.encode(
        parts.map(items => ({ items })),
        {},
        'm',
        options,
      );
      const parsed = parseCreateResponse({ model: 'm', input: fieldsOf(body).input });
      if (!parsed.ok) throw parsed.error;
      const expected = parts.flat().map(item => {
        const { id: _id, ...rest } = asFunction(item);
        return { status, ...rest };
      });
      expect(parsed.value.input).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test('a Chat Completions upstream is sent messages in which each call is answered', () => {
  fc.assert(
    fc.property(history, parts => {
      const { body } = openaiChat.encode(
        parts.map(items => ({ items })),
        {},
        'm',
        options,
      );
      const parsed = parseChatRequest({ model: 'm', messages: fieldsOf(body).messages });
      if (!parsed.ok) throw new Error(parsed.error.message);
      const calls = parsed.value.messages.flatMap(message => (message.role === 'assistant' ? message.tool_calls : []));
      const made = parts
        .flat()
        .map(asFunction)
        .filter(item => 'call_id' in item && !item.type.endsWith('_output'));
      expect(
        calls.map(call => [call.id, call.type === 'custom' ? call.custom.input : call.function.arguments]),
      ).toEqual(made.map(item => [item['call_id'], item['input'] ?? item['arguments']]));
    }),
    { numRuns: 300 },
  );
});
