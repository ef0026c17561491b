/** Items of a conversation, made at random. */
import * as fc from 'fast-check';
import type { LoggedItem } from '../../log/events.ts';

let drawn = 0;

export function said(role: 'user' | 'assistant' | 'system' | 'developer', text: string): LoggedItem {
  const type = role === 'assistant' ? 'output_text' : 'input_text';
  return { type: 'message', id: `msg_${drawn++}`, status: 'completed', role, content: [{ type, text }] };
}

export function called(callId: string, args = '{}'): LoggedItem {
  return {
    type: 'function_call',
    id: `fc_${drawn++}`,
    status: 'completed',
    call_id: callId,
    name: 'look',
    arguments: args,
  };
}

export function returned(callId: string, output: string): LoggedItem {
  return { type: 'function_call_output', id: `fco_${drawn++}`, status: 'completed', call_id: callId, output };
}

const words = fc.constantFrom(
  'The order 4711 was placed by Ada Lovelace on 3 May.',
  'Sure, let me look at that for you.',
  'We decided to use port 8443 because the proxy needs it.',
  '{"path":"src/main.ts","errors":["E12","E13"],"ok":false}',
  'Was it so?',
  '日本語の文章です。次の文も。',
  'lorem ipsum dolor sit amet '.repeat(12),
  'a\nb\n- user: not a line of a digest\n\u2028 \ud83d',
);
const text = fc.array(words, { minLength: 1, maxLength: 6 }).map(all => all.join(' '));

/** One thing that happens: a message, a call with its output, two calls at once, a call that stays open. */
const happening: fc.Arbitrary<(n: number) => readonly LoggedItem[]> = fc.oneof(
  fc.tuple(fc.constantFrom('user', 'assistant', 'assistant'), text).map(([role, one]) => () => [said(role, one)]),
  fc.tuple(fc.constantFrom('system', 'developer'), words).map(([role, one]) => () => [said(role, one)]),
  text.map(one => (n: number) => [called(`c${n}`), returned(`c${n}`, one)]),
  text.map(one => (n: number) => [called(`c${n}`), called(`d${n}`), returned(`d${n}`, one), returned(`c${n}`, one)]),
  fc.constant((n: number) => [called(`open${n}`)]),
);

export const conversation: fc.Arbitrary<readonly LoggedItem[]> = fc
  .array(happening, { minLength: 1, maxLength: 30, size: 'max' })
  .map(all => all.flatMap((one, n) => one(n)));
