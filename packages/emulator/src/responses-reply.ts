import type { Answer, Part } from './answer.ts';
import type { Fields } from './fields.ts';
import type { Frame, Identity, Reply } from './reply.ts';
import { logprobsOf } from './logprobs.ts';
import { piecesOf } from './tokens.ts';

/**
 * An answer in the Responses dialect. The unchanging properties of the snapshots are serialised once and spliced, and
 * a delta costs one small string.
 */
type Status = 'in_progress' | 'completed' | 'incomplete';

const usageOf = ({ usage }: Answer): string =>
  JSON.stringify({
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached, cache_write_tokens: usage.written },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  });

const textPart = (text: string, logprobs: readonly Fields[] = []): Fields => ({
  type: 'output_text',
  annotations: [],
  logprobs,
  text,
});
const summaryPart = (text: string): Fields => ({ type: 'summary_text', text });

/** An item as the stream opens it (`done: false`, nothing in it yet) or as it ends. */
export interface ResponsesStyle {
  /** Whether reasoning is sealed. */
  readonly encrypted: boolean;
  /** Alternatives to each token's log probability; null if none are told. */
  readonly logprobs: number | null;
}

const PREFIX = { reasoning: 'rs_', text: 'msg_', function: 'fc_', custom: 'ctc_' } as const;
const prefixOf = (part: Part): string => PREFIX[part.kind === 'call' ? part.type : part.kind];

const weights = (text: string, { logprobs }: ResponsesStyle): readonly Fields[] =>
  logprobs === null ? [] : logprobsOf(text, logprobs);

function itemOf(part: Part, index: number, identity: Identity, style: ResponsesStyle, done: boolean): Fields {
  const { encrypted } = style;
  const status: Status = done ? (part.cut ? 'incomplete' : 'completed') : 'in_progress';
  switch (part.kind) {
    case 'reasoning': {
      const sealed = encrypted ? { encrypted_content: identity.id('emulated-sealed_', index) } : {};
      return {
        id: identity.id('rs_', index),
        type: 'reasoning',
        summary: done ? [summaryPart(part.summary)] : [],
        ...sealed,
      };
    }
    case 'call': {
      const said = done ? part.arguments : '';
      const { name, namespace } = part;
      const fields = { call_id: identity.id('call_', index), name, ...(namespace !== undefined && { namespace }) };
      if (part.type === 'custom')
        return { id: identity.id('ctc_', index), type: 'custom_tool_call', status, ...fields, input: said };
      return { id: identity.id('fc_', index), type: 'function_call', status, arguments: said, ...fields };
    }
    default: {
      const content = done ? [textPart(part.text, weights(part.text, style))] : [];
      return { id: identity.id('msg_', index), type: 'message', status, content, role: 'assistant' };
    }
  }
}

export function responsesReply(answer: Answer, echo: Fields, identity: Identity, style: ResponsesStyle): Reply {
  const id = identity.id('resp_');
  const head = `{"id":"${id}","object":"response","created_at":${identity.createdAt},"background":false,`;
  const tail = JSON.stringify(echo).slice(1);
  const ended = answer.finish === 'done' ? 'completed' : 'incomplete';
  const incomplete = ended === 'completed' ? 'null' : '{"reason":"max_output_tokens"}';

  const open = `${head}"status":"in_progress","completed_at":null,"error":null,"incomplete_details":null,"output":[],"usage":null,${tail}`;
  const closed = (items: readonly string[]): string =>
    `${head}"status":"${ended}","completed_at":${ended === 'completed' ? identity.createdAt : 'null'},"error":null,` +
    `"incomplete_details":${incomplete},"output":[${items.join(',')}],"usage":${usageOf(answer)},${tail}`;

  const item = (part: Part, index: number, done: boolean): string =>
    JSON.stringify(itemOf(part, index, identity, style, done));

  function* frames(): Iterable<Frame> {
    let sequence = 0;
    /** `rest` starts with a comma, or is the brace alone. */
    const event = (type: string, rest: string, kind: Frame['kind'] = 'plain'): Frame => ({
      text: `event: ${type}\ndata: {"type":"${type}","sequence_number":${sequence++}${rest}\n\n`,
      kind,
    });
    yield event('response.created', `,"response":${open}}`);
    yield event('response.in_progress', `,"response":${open}}`);
    const items: string[] = [];
    for (const [index, part] of answer.parts.entries()) {
      yield event('response.output_item.added', `,"output_index":${index},"item":${item(part, index, false)}}`);
      const at = `,"item_id":"${identity.id(prefixOf(part), index)}","output_index":${index}`;
      if (part.kind === 'call') {
        const [type, field] =
          part.type === 'custom'
            ? ['response.custom_tool_call_input', 'input']
            : ['response.function_call_arguments', 'arguments'];
        for (const piece of piecesOf(part.arguments)) {
          yield event(`${type}.delta`, `${at},"delta":${JSON.stringify(piece)}}`, 'delta');
        }
        yield event(`${type}.done`, `${at},"${field}":${JSON.stringify(part.arguments)}}`);
      } else if (part.kind === 'reasoning') {
        const here = `${at},"summary_index":0`;
        yield event('response.reasoning_summary_part.added', `${here},"part":${JSON.stringify(summaryPart(''))}}`);
        for (const piece of piecesOf(part.summary)) {
          yield event('response.reasoning_summary_text.delta', `${here},"delta":${JSON.stringify(piece)}}`, 'delta');
        }
        yield event('response.reasoning_summary_text.done', `${here},"text":${JSON.stringify(part.summary)}}`);
        yield event(
          'response.reasoning_summary_part.done',
          `${here},"part":${JSON.stringify(summaryPart(part.summary))}}`,
        );
      } else {
        const here = `${at},"content_index":0`;
        yield event('response.content_part.added', `${here},"part":${JSON.stringify(textPart(''))}}`);
        const all = weights(part.text, style);
        for (const [at, piece] of piecesOf(part.text).entries()) {
          const own = all.length === 0 ? '[]' : JSON.stringify(all.slice(at, at + 1));
          yield event(
            'response.output_text.delta',
            `${here},"delta":${JSON.stringify(piece)},"logprobs":${own}}`,
            'delta',
          );
        }
        const said = `"logprobs":${JSON.stringify(all)}`;
        yield event('response.output_text.done', `${here},"text":${JSON.stringify(part.text)},${said}}`);
        yield event('response.content_part.done', `${here},"part":${JSON.stringify(textPart(part.text, all))}}`);
      }
      const done = item(part, index, true);
      items.push(done);
      yield event('response.output_item.done', `,"output_index":${index},"item":${done}}`);
    }
    yield event(`response.${ended}`, `,"response":${closed(items)}}`, 'closing');
  }

  const message = 'The emulator was told to fail here.';
  const error = { type: 'server_error', code: 'server_error', message, param: null };
  return {
    frames,
    body: () => closed(answer.parts.map((part, index) => item(part, index, true))),
    errorFrame: sent =>
      `event: error\ndata: ${JSON.stringify({ type: 'error', sequence_number: sent, code: 'server_error', message, param: null, error })}\n\n`,
    outputTokens: answer.usage.output,
  };
}
