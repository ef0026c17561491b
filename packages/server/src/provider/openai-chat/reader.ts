/** Chunks of a Chat Completions stream -> steps. */
import type { Usage } from '../../log/events.ts';
import type { JsonObject } from '../../log/events.ts';
import type { PartKind, Step, StepEnd } from '../../log/steps.ts';
import type { EventReader } from '../dialect.ts';
import { malformed, reportedFailure, truncated } from '../in-band.ts';
import { countIn, type Fields, fieldsIn, isFields, listIn, parseFields, stringIn } from '../json.ts';
import { readLogprobs, readServiceTier } from '../logprobs.ts';
import { type ItemWriter, OutputWriter } from '../output-writer.ts';
import { AS_IS, type ReadToolName } from '../tool-names.ts';
import { upstreamId } from '../transport/request-id.ts';
import { readUsage, type UsageNames } from '../usage.ts';

const USAGE: UsageNames = {
  input: 'prompt_tokens',
  inputDetails: 'prompt_tokens_details',
  output: 'completion_tokens',
  outputDetails: 'completion_tokens_details',
};

/** Tool calls of one answer. */
export const MAX_TOOL_CALLS = 1_000;
/** A call id longer than this cannot be answered over our wire. */
const MAX_CALL_ID_CHARS = 64;

/** A tool call that began; `writer` is null until its name has come. */
interface ToolCall {
  readonly index: number;
  readonly id: string | null;
  writer: ItemWriter | null;
  /** Arguments that came before the name. */
  early: string;
}

/** The message or reasoning item that takes text now, and the kind of its open part. */
interface OpenText {
  readonly writer: ItemWriter;
  kind: PartKind;
}

export class ChatReader implements EventReader {
  readonly #requestId: string | null;
  readonly #toolName: ReadToolName;
  readonly #writer = new OutputWriter();
  readonly #calls: ToolCall[] = [];
  #text: OpenText | null = null;
  #id: string | null = null;
  #finish: string | null = null;
  #tier: { readonly serviceTier?: string } = {};
  #usage: Usage | null = null;
  ended = false;

  constructor(requestId: string | null, toolName: ReadToolName = AS_IS) {
    this.#requestId = requestId;
    this.#toolName = toolName;
  }

  take(): Step[] {
    return this.#writer.take();
  }

  /** Some servers leave out `[DONE]`: what counts is that the choice was finished. */
  close(): void {
    if (this.ended) return;
    if (this.#finish === null) throw truncated(this.#requestId);
    this.#end(this.#finish);
  }

  event(data: string): void {
    if (this.ended) return;
    if (data === '[DONE]') return this.close();
    const chunk = parseFields(data);
    if (chunk === null) throw malformed(this.#requestId);
    this.chunk(chunk);
  }

  chunk(chunk: Fields): void {
    if (isFields(chunk['error'])) throw reportedFailure(chunk, this.#requestId);
    this.#id ??= upstreamId(chunk['id']);
    this.#usage = readUsage(fieldsIn(chunk, 'usage'), USAGE) ?? this.#usage;
    this.#tier = { ...this.#tier, ...readServiceTier(chunk) };
    // One choice is asked for; the chunk with the usage has none.
    const choice = listIn(chunk, 'choices')[0];
    if (!isFields(choice)) return;
    const delta = fieldsIn(choice, 'delta');
    const logprobs = fieldsIn(choice, 'logprobs');
    const weights = logprobs === null ? [] : readLogprobs(listIn(logprobs, 'content'));
    if (delta !== null) this.#delta(delta, weights);
    this.#finish = stringIn(choice, 'finish_reason') ?? this.#finish;
    if (this.#finish === 'error') throw reportedFailure(choice, this.#requestId);
  }

  #delta(delta: Fields, weights: readonly JsonObject[]): void {
    // Servers of open models have two names for it.
    const thought = stringIn(delta, 'reasoning_content') ?? stringIn(delta, 'reasoning');
    if (thought !== null) this.#say('reasoning', 'reasoning_text', thought);
    const content = delta['content'];
    if (typeof content === 'string') this.#say('message', 'output_text', content, weights);
    else if (content !== undefined && content !== null) throw malformed(this.#requestId);
    const refusal = stringIn(delta, 'refusal');
    if (refusal !== null) this.#say('message', 'refusal', refusal);
    for (const call of listIn(delta, 'tool_calls')) {
      if (!isFields(call)) throw malformed(this.#requestId);
      this.#call(call);
    }
  }

  #say(type: 'message' | 'reasoning', kind: PartKind, text: string, weights: readonly JsonObject[] = []): void {
    if (text === '') return;
    if (this.#text?.writer.type !== type) {
      this.#closeText();
      this.#text = { writer: this.#writer.begin({ type }), kind };
      this.#text.writer.part(kind);
    } else if (this.#text.kind !== kind) {
      this.#text.kind = kind;
      this.#text.writer.part(kind);
    }
    this.#text.writer.delta(text, weights);
  }

  #closeText(incomplete = false): void {
    this.#text?.writer.done({ incomplete });
    this.#text = null;
  }

  #call(delta: Fields): void {
    this.#closeText();
    const call = this.#known(delta) ?? this.#newCall(delta);
    const custom = fieldsIn(delta, 'custom');
    const stated = custom ?? fieldsIn(delta, 'function') ?? {};
    const name = stringIn(stated, 'name');
    const text = stringIn(stated, custom === null ? 'arguments' : 'input') ?? '';
    if (call.writer !== null) return call.writer.delta(text);
    call.early += text;
    if (name === null || name === '') return;
    const type = custom === null ? 'function_call' : 'custom_tool_call';
    call.writer = this.#writer.begin({ type, callId: this.#callId(call), ...this.#toolName(name, null) });
    call.writer.delta(call.early);
    call.early = '';
  }

  /** The call that a delta goes on with. Some servers give every call index 0 and tell them apart by id alone; some give no index. */
  #known(delta: Fields): ToolCall | undefined {
    const index = countIn(delta, 'index');
    const id = stringIn(delta, 'id');
    const last = this.#calls.findLast(call => index === null || call.index === index);
    if (last === undefined || id === null || id === '' || last.id === null)
      return index === null && id !== null && id !== '' ? undefined : last;
    return last.id === id ? last : undefined;
  }

  #newCall(delta: Fields): ToolCall {
    if (this.#calls.length >= MAX_TOOL_CALLS) throw malformed(this.#requestId);
    const id = stringIn(delta, 'id');
    const call = {
      index: countIn(delta, 'index') ?? this.#calls.length,
      id: id === '' ? null : id,
      writer: null,
      early: '',
    };
    this.#calls.push(call);
    return call;
  }

  /** A server that gives no id gets one that is unique by its answer's id. */
  #callId(call: ToolCall): string {
    const id = call.id ?? `call_${(this.#id ?? '').slice(-40)}_${this.#calls.indexOf(call)}`;
    if (id.length > MAX_CALL_ID_CHARS) throw malformed(this.#requestId);
    return id;
  }

  #end(finish: string): void {
    const reason = reasonOf(finish);
    const incomplete = reason !== null;
    // A call without a name cannot be made.
    if (this.#calls.some(call => call.writer === null)) throw malformed(this.#requestId);
    this.#closeText(incomplete);
    const last = this.#calls.at(-1);
    for (const call of this.#calls) call.writer?.done({ incomplete: incomplete && call === last });
    // The model said nothing: that is an empty message, not an answer without output.
    if (this.#writer.items === 0) {
      const message = this.#writer.begin({ type: 'message' });
      message.part('output_text');
      message.done({ incomplete });
    }
    this.ended = true;
    this.#writer.end({
      outcome: incomplete ? 'incomplete' : 'completed',
      reason,
      usage: this.#usage,
      ...this.#tier,
      upstream: { response: this.#id, request: this.#requestId },
    });
  }
}

/** Other words than these two (`stop`, `tool_calls`, and what servers add) mean that the model came to its end. */
function reasonOf(finish: string): StepEnd['reason'] {
  if (finish === 'length') return 'max_output_tokens';
  return finish === 'content_filter' ? 'content_filter' : null;
}
