/** `POST /v1/chat/completions`: stateless, stored nowhere. */
import {
  chatChunk,
  type ChatChunk,
  chatCompletion,
  type ChatDelta,
  type ChatHead,
  chatToItems,
  chatUsageChunk,
  type CreateResponse,
  errorBody,
  finishReason,
  type LogProb,
  parseChatRequest,
  type ResponseResource,
  settingsOfChat,
  skippedTools,
  toPerdureError,
} from '@perdure/protocol';
import { deliver, type TakeSteps } from '../../engine/flow.ts';
import { resourceOf } from '../../engine/turn.ts';
import { sumUsage } from '../../log/events.ts';
import type { StatelessCall } from '../../engine/stateless.ts';
import type { Step, StepEnd } from '../../log/steps.ts';
import type { JsonObject } from '../../log/events.ts';
import { OutputBuilder } from '../../session/output.ts';
import { type OutputView, paddingOf, viewOf } from '../../session/shown.ts';
import { readJson } from '../body.ts';
import { inTime } from '../in-time.ts';
import { answered } from '../responses/create.ts';
import { noteSkipped, sendJson, type Headers } from '../reply.ts';
import { readIdempotencyKey, readLabels } from '../request-headers.ts';
import { dataEvent, EventStream, READER_LEFT } from '../sse.ts';
import type { Exchange, HttpDeps } from '../types.ts';

export async function createChatCompletion(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { req, res, caller, requestId } = exchange;
  const body = await readJson(req, deps.limits);
  const parsed = parseChatRequest(body.value);
  if (!parsed.ok) throw parsed.error;
  const chat = parsed.value;
  const { stop, seed, logit_bias: logitBias, logprobs: _logprobs, ...settings } = settingsOfChat(chat);
  const request: CreateResponse = {
    ...settings,
    model: chat.model,
    input: chatToItems(chat.messages),
    background: false,
  };
  noteSkipped(res, skippedTools(chat.tools));
  const extra = {
    ...(stop.length > 0 && { stop }),
    ...(seed !== undefined && { seed }),
    ...(logitBias !== undefined && { logitBias }),
  };
  const key = readIdempotencyKey(req);
  const idempotency = key === null ? null : { key, body: body.bytes };
  const labels = readLabels(req);
  const begin = (signal: AbortSignal) => deps.engine.stateless({ caller, request, extra, labels, signal, idempotency });
  const { call, steps } = chat.stream
    ? { call: await begin(exchange.signal), steps: [] }
    : await inTime(deps, exchange, signal => answered(begin(signal)));
  const head: ChatHead = {
    id: `chatcmpl_${call.body}`,
    created: call.base.createdAt,
    model: chat.model,
    include_usage: chat.include_usage,
    service_tier: chat.service_tier === undefined || chat.service_tier === 'auto' ? 'default' : chat.service_tier,
  };
  const headers: Headers = {
    'x-request-id': requestId,
    ...(call.placement !== null && { 'perdure-placement': call.placement }),
  };
  if (chat.stream) return stream(deps, exchange, { call, head, headers });
  const view = viewOf(call.base.settings);
  const builder = new OutputBuilder({ body: call.body, call: 1, seq: 0, index: 0, view });
  for (const step of steps) {
    if (step.type === 'end') sendJson(res, 200, chatCompletion(used(head, step), answer(call, builder, step)), headers);
    else builder.push(step, null);
  }
}

/** The head with the service tier that was used, once that is known. */
function used(head: ChatHead, end: StepEnd): ChatHead {
  return end.serviceTier === undefined ? head : { ...head, service_tier: end.serviceTier };
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
  const view = viewOf(call.base.settings);
  const builder = new OutputBuilder({ body: call.body, call: 1, seq: 0, index: 0, view });
  const chunks = new ChunkWriter(head, view);
  let out: EventStream | null = null;
  const take: TakeSteps = batch => {
    const events: string[] = [];
    for (const step of batch) {
      if (step.type !== 'end') {
        builder.push(step, null);
        chunks.push(step, events);
        continue;
      }
      const whole = answer(call, builder, step);
      const last = used(head, step);
      chunks.open('', events);
      events.push(dataEvent(JSON.stringify(chatChunk(last, {}, finishReason(whole.output, step.reason)))));
      if (head.include_usage === true) events.push(dataEvent(JSON.stringify(chatUsageChunk(last, whole.usage))));
      events.push(dataEvent('[DONE]'));
    }
    out ??= new EventStream(exchange.res, deps.limits, headers);
    if (!out.open) throw READER_LEFT;
    return out.put(events);
  };
  try {
    await deliver(call.steps, take);
    (out as EventStream | null)?.end();
  } catch (thrown) {
    if (thrown === READER_LEFT) return;
    const stream = out as EventStream | null;
    if (stream === null) throw thrown;
    await stream.write([dataEvent(JSON.stringify(errorBody(toPerdureError(thrown))))]);
    stream.end();
  }
}

/** Steps -> chunks. Text chunks, by far the most, are cut from one prepared frame. */
class ChunkWriter {
  readonly #head: ChatHead;
  readonly #before: string;
  readonly #after: string;
  readonly #view: OutputView;
  #kind: 'content' | 'refusal' | 'function' | 'custom' | 'none' = 'none';
  #tool = -1;
  #opened = false;

  constructor(head: ChatHead, view: OutputView) {
    this.#head = head;
    this.#view = view;
    const [before = '', after = ''] = JSON.stringify(chatChunk(head, { content: '\u0000' })).split('"\\u0000"');
    this.#before = `data: ${before}`;
    this.#after = `${after}\n\n`;
  }

  /** The chunk that begins the answer, once: with a text if one comes first. Clients begin a text of their own where it is not null. */
  open(content: '' | null, into: string[]): void {
    if (this.#opened) return;
    this.#opened = true;
    into.push(this.#chunk({ role: 'assistant', content }));
  }

  push(step: Step, into: string[]): void {
    if (step.type === 'item') {
      this.#kind = 'none';
      const { item } = step;
      if (item.type === 'message') this.open('', into);
      if (!('callId' in item)) return;
      this.open(null, into);
      this.#tool += 1;
      const at = { index: this.#tool, id: item.callId };
      if (item.type === 'custom_tool_call') {
        this.#kind = 'custom';
        into.push(this.#chunk({ tool_calls: [{ ...at, type: 'custom', custom: { name: item.name, input: '' } }] }));
      } else {
        this.#kind = 'function';
        const call = { ...at, type: 'function' as const, function: { name: item.name, arguments: '' } };
        into.push(this.#chunk({ tool_calls: [call] }));
      }
    } else if (step.type === 'part') {
      this.#kind = step.kind === 'output_text' ? 'content' : step.kind === 'refusal' ? 'refusal' : 'none';
    } else if (step.type === 'delta') {
      this.#delta(step.text, step.logprobs ?? [], into);
    }
  }

  #delta(text: string, logprobs: readonly JsonObject[], into: string[]): void {
    const index = this.#tool;
    const weighed = logprobs.length > 0 && this.#view.include.includes('message.output_text.logprobs');
    switch (this.#kind) {
      case 'content': {
        const plain = !weighed && !this.#view.padded;
        if (plain) return void into.push(`${this.#before}${JSON.stringify(text)}${this.#after}`);
        // Wire objects, as the provider made them.
        const content = weighed ? (logprobs as unknown as readonly LogProb[]) : [];
        const chunk = chatChunk(this.#head, { content: text }, null, weighed ? { content, refusal: null } : null);
        return void into.push(this.#padded(chunk, text));
      }
      case 'refusal':
        return void into.push(this.#padded(chatChunk(this.#head, { refusal: text }), text));
      case 'function':
        return void into.push(this.#called({ index, function: { arguments: text } }, text));
      case 'custom':
        return void into.push(this.#called({ index, custom: { input: text } }, text));
      case 'none':
    }
  }

  #called(call: NonNullable<ChatDelta['tool_calls']>[number], text: string): string {
    return this.#padded(chatChunk(this.#head, { tool_calls: [call] }), text);
  }

  #padded(chunk: ChatChunk, text: string): string {
    const padding = this.#view.padded && { obfuscation: paddingOf(JSON.stringify(text)) };
    return dataEvent(JSON.stringify({ ...chunk, ...padding }));
  }

  #chunk(delta: Parameters<typeof chatChunk>[1]): string {
    return dataEvent(JSON.stringify(chatChunk(this.#head, delta)));
  }
}
