/** Steps of one choice -> chunks. */
import {
  type ChatAnswer,
  chatChunk,
  type ChatChunk,
  type ChatDelta,
  type ChatHead,
  finishReason,
  type LogProb,
} from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import type { Step } from '../../log/steps.ts';
import { type OutputView, paddingOf } from '../../session/shown.ts';
import { dataEvent } from '../sse.ts';

/** Text chunks, by far the most, are cut from one prepared frame. */
export class ChunkWriter {
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

  /** The chunk that begins the choice, once: with a text if one comes first. Clients begin a text of their own where it is not null. */
  open(content: '' | null, into: string[]): void {
    if (this.#opened) return;
    this.#opened = true;
    into.push(this.#chunk({ role: 'assistant', content }));
  }

  /** The last of the choice. */
  closing(answer: ChatAnswer, tier: Pick<ChatHead, 'service_tier'>): string {
    const finish = finishReason(answer.output, answer.incomplete_details?.reason ?? null);
    return dataEvent(JSON.stringify(chatChunk({ ...this.#head, ...tier }, {}, finish)));
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
