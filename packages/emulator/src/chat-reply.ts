import type { Answer, Part } from './answer.ts';
import type { Fields } from './fields.ts';
import type { Frame, Identity, Reply } from './reply.ts';
import { logprobsOf } from './logprobs.ts';
import { piecesOf } from './tokens.ts';

/** An answer in the Chat Completions dialect. A reasoning part shows in the usage only, as there. */
type Call = Extract<Part, { kind: 'call' }>;

const usageOf = ({ usage }: Answer): Fields => ({
  prompt_tokens: usage.input,
  completion_tokens: usage.output,
  total_tokens: usage.input + usage.output,
  prompt_tokens_details: {
    cached_tokens: usage.cached,
    audio_tokens: 0,
    ...(usage.written > 0 && { cache_write_tokens: usage.written }),
  },
  completion_tokens_details: {
    reasoning_tokens: usage.reasoning,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
});

/** What a call says, under the names of its kind. */
const said = (call: Call, name: Fields, text: string): Fields =>
  call.type === 'custom' ? { custom: { ...name, input: text } } : { function: { ...name, arguments: text } };

export interface ChatStyle {
  readonly model: string;
  readonly serviceTier: string;
  readonly includeUsage: boolean;
  /** Alternatives to each token's log probability; null if none are told. */
  readonly logprobs: number | null;
}

export function chatReply(answer: Answer, style: ChatStyle, identity: Identity): Reply {
  const id = identity.id('chatcmpl-');
  const calls = answer.parts.filter((part): part is Call => part.kind === 'call');
  const text = answer.parts.find(part => part.kind === 'text')?.text ?? null;
  const finish = answer.finish === 'length' ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop';
  const content = calls.length > 0 ? null : (text ?? '');
  const opening = (call: Call, index: number, args: string): Fields => ({
    id: identity.id('call_', index),
    type: call.type,
    ...said(call, { name: call.name }, args),
  });

  const weights = (text: string): Fields | null =>
    style.logprobs === null ? null : { content: logprobsOf(text, style.logprobs), refusal: null };

  const body = (): string =>
    JSON.stringify({
      id,
      object: 'chat.completion',
      created: identity.createdAt,
      model: style.model,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content,
            ...(calls.length > 0
              ? { tool_calls: calls.map((call, index) => opening(call, index, call.arguments)) }
              : {}),
            refusal: null,
            annotations: [],
          },
          logprobs: content === null ? null : weights(content),
          finish_reason: finish,
        },
      ],
      usage: usageOf(answer),
      service_tier: style.serviceTier,
      system_fingerprint: 'fp_emulated',
    });

  const head =
    `data: {"id":"${id}","object":"chat.completion.chunk","created":${identity.createdAt},"model":${JSON.stringify(style.model)},` +
    `"service_tier":"${style.serviceTier}","system_fingerprint":"fp_emulated","choices":[`;
  const noUsage = style.includeUsage ? ',"usage":null' : '';
  const choice = (delta: string, finish: string, kind: Frame['kind'], logprobs: unknown = null): Frame => ({
    text: `${head}{"index":0,"delta":${delta},"logprobs":${JSON.stringify(logprobs)},"finish_reason":${finish}}]${noUsage}}\n\n`,
    kind,
  });

  function* frames(): Iterable<Frame> {
    const first = calls[0];
    if (first === undefined) {
      yield choice('{"role":"assistant","content":"","refusal":null}', 'null', 'plain');
      for (const piece of piecesOf(content ?? ''))
        yield choice(`{"content":${JSON.stringify(piece)}}`, 'null', 'delta', weights(piece));
    } else {
      for (const [index, call] of calls.entries()) {
        const role = index === 0 ? '"role":"assistant","content":null,"refusal":null,' : '';
        const opened = JSON.stringify([{ index, ...opening(call, index, '') }]);
        yield choice(`{${role}"tool_calls":${opened}}`, 'null', 'plain');
        for (const piece of piecesOf(call.arguments)) {
          const more = JSON.stringify([{ index, ...said(call, {}, piece) }]);
          yield choice(`{"tool_calls":${more}}`, 'null', 'delta');
        }
      }
    }
    yield choice('{}', `"${finish}"`, 'closing');
    if (style.includeUsage) yield { text: `${head}],"usage":${JSON.stringify(usageOf(answer))}}\n\n`, kind: 'closing' };
    yield { text: 'data: [DONE]\n\n', kind: 'closing' };
  }

  const error = {
    message: 'The emulator was told to fail here.',
    type: 'server_error',
    param: null,
    code: 'server_error',
  };
  return {
    frames,
    body,
    errorFrame: () => `data: ${JSON.stringify({ error })}\n\n`,
    outputTokens: answer.usage.output,
  };
}
