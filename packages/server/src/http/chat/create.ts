/** `POST /v1/chat/completions`: stateless, stored nowhere. */
import {
  chatChunk,
  chatCompletion,
  type ChatHead,
  chatToItems,
  chatUsageChunk,
  type CreateResponse,
  errorBody,
  finishReason,
  parseChatRequest,
  type ResponseResource,
  settingsOfChat,
  toPerdureError,
} from '@perdure/protocol';
import { resourceOf, sumUsage } from '../../engine/turn.ts';
import type { StatelessCall } from '../../engine/stateless.ts';
import type { Step, StepEnd } from '../../log/steps.ts';
import { OutputBuilder } from '../../session/output.ts';
import { readJson } from '../body.ts';
import { sendJson, type Headers } from '../reply.ts';
import { readIdempotencyKey, readLabels } from '../request-headers.ts';
import { dataEvent, EventStream } from '../sse.ts';
import type { Exchange, HttpDeps } from '../types.ts';

export async function createChatCompletion(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { req, res, caller, signal, requestId } = exchange;
  const body = await readJson(req, deps.limits);
  const parsed = parseChatRequest(body.value);
  if (!parsed.ok) throw parsed.error;
  const chat = parsed.value;
  const { stop, seed, logprobs: _logprobs, ...settings } = settingsOfChat(chat);
  const request: CreateResponse = {
    ...settings,
    model: chat.model,
    input: chatToItems(chat.messages),
    background: false,
  };
  const extra = { ...(stop.length > 0 && { stop }), ...(seed !== undefined && { seed }) };
  const key = readIdempotencyKey(req);
  const idempotency = key === null ? null : { key, body: body.bytes };
  const call = await deps.engine.stateless({
    caller,
    request,
    extra,
    labels: readLabels(req),
    signal,
    idempotency,
  });
  const head: ChatHead = {
    id: `chatcmpl_${call.body}`,
    created: call.base.createdAt,
    model: chat.model,
    include_usage: chat.include_usage,
  };
  const headers: Headers = {
    'x-request-id': requestId,
    ...(call.placement !== null && { 'perdure-placement': call.placement }),
  };
  if (chat.stream) return stream(deps, exchange, { call, head, headers });
  const builder = new OutputBuilder({ body: call.body, call: 1, seq: 0, index: 0 });
  for (const step of await call.answer()) {
    if (step.type === 'end') sendJson(res, 200, chatCompletion(head, answer(call, builder, step)), headers);
    else builder.push(step, null);
  }
}

function answer(
  call: StatelessCall,
  builder: OutputBuilder,
  end: StepEnd,
): ResponseResource & { usage: NonNullable<ResponseResource['usage']> } {
  const usage = sumUsage(null, end.usage ?? { input: 0, cached: 0, output: 0, reasoning: 0 });
  const progress = {
    status: end.outcome,
    output: builder.items,
    usage,
    completedAt: null,
    reason: end.reason,
    error: null,
  };
  const resource = resourceOf(call.base, progress);
  const zero = {
    input_tokens: 0,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 0,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 0,
  };
  return { ...resource, usage: resource.usage ?? zero };
}

interface Streaming {
  readonly call: StatelessCall;
  readonly head: ChatHead;
  readonly headers: Headers;
}

async function stream(deps: HttpDeps, exchange: Exchange, { call, head, headers }: Streaming): Promise<void> {
  const builder = new OutputBuilder({ body: call.body, call: 1, seq: 0, index: 0 });
  const chunks = new ChunkWriter(head);
  let out: EventStream | null = null;
  try {
    for await (const batch of call.steps) {
      const events: string[] = out === null ? [chunks.opening()] : [];
      for (const step of batch) {
        if (step.type !== 'end') {
          builder.push(step, null);
          chunks.push(step, events);
          continue;
        }
        const whole = answer(call, builder, step);
        events.push(dataEvent(JSON.stringify(chatChunk(head, {}, finishReason(whole.output, step.reason)))));
        if (head.include_usage === true) events.push(dataEvent(JSON.stringify(chatUsageChunk(head, whole.usage))));
        events.push(dataEvent('[DONE]'));
      }
      out ??= new EventStream(exchange.res, deps.limits, headers);
      if (!out.open) return;
      await out.write(events);
    }
    out?.end();
  } catch (thrown) {
    if (out === null) throw thrown;
    await out.write([dataEvent(JSON.stringify(errorBody(toPerdureError(thrown))))]);
    out.end();
  }
}

/** Steps -> chunks. Text chunks, by far the most, are cut from one prepared frame. */
class ChunkWriter {
  readonly #head: ChatHead;
  readonly #before: string;
  readonly #after: string;
  #kind: 'content' | 'refusal' | 'arguments' | 'none' = 'none';
  #tool = -1;

  constructor(head: ChatHead) {
    this.#head = head;
    const [before = '', after = ''] = JSON.stringify(chatChunk(head, { content: '\u0000' })).split('"\\u0000"');
    this.#before = `data: ${before}`;
    this.#after = `${after}\n\n`;
  }

  opening(): string {
    return dataEvent(JSON.stringify(chatChunk(this.#head, { role: 'assistant', content: '' })));
  }

  push(step: Step, into: string[]): void {
    if (step.type === 'item') {
      this.#kind = 'none';
      if (step.item.type !== 'function_call') return;
      this.#kind = 'arguments';
      this.#tool += 1;
      const call = {
        index: this.#tool,
        id: step.item.callId,
        type: 'function' as const,
        function: { name: step.item.name, arguments: '' },
      };
      into.push(this.#chunk({ tool_calls: [call] }));
    } else if (step.type === 'part') {
      this.#kind = step.kind === 'output_text' ? 'content' : step.kind === 'refusal' ? 'refusal' : 'none';
    } else if (step.type === 'delta') {
      if (this.#kind === 'content') into.push(`${this.#before}${JSON.stringify(step.text)}${this.#after}`);
      else if (this.#kind === 'refusal') into.push(this.#chunk({ refusal: step.text }));
      else if (this.#kind === 'arguments')
        into.push(this.#chunk({ tool_calls: [{ index: this.#tool, function: { arguments: step.text } }] }));
    }
  }

  #chunk(delta: Parameters<typeof chatChunk>[1]): string {
    return dataEvent(JSON.stringify(chatChunk(this.#head, delta)));
  }
}
