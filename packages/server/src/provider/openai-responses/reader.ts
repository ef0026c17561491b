/** Events of a Responses stream -> steps. */
import type { PartKind, Step } from '../../log/steps.ts';
import type { EventReader } from '../dialect.ts';
import { malformed, reportedFailure, truncated } from '../in-band.ts';
import { countIn, type Fields, fieldsIn, isFields, listIn, parseFields, stringIn } from '../json.ts';
import { readLogprobs } from '../logprobs.ts';
import type { ReadToolName } from '../tool-names.ts';
import { partKind, type PartPlace, ResponseOutput } from './output.ts';

/** Events that repeat the whole request and say nothing: known by their first bytes, so that they are not parsed before the first token. */
const IDLE_EVENTS = ['{"type":"response.created"', '{"type":"response.in_progress"'] as const;

export class ResponsesReader implements EventReader {
  readonly #requestId: string | null;
  readonly #output: ResponseOutput;
  ended = false;

  constructor(requestId: string | null, toolName?: ReadToolName) {
    this.#requestId = requestId;
    this.#output = new ResponseOutput(requestId, toolName);
  }

  take(): Step[] {
    return this.#output.take();
  }

  close(): void {
    if (!this.ended) throw truncated(this.#requestId);
  }

  event(data: string): void {
    if (this.ended || data === '[DONE]' || IDLE_EVENTS.some(prefix => data.startsWith(prefix))) return;
    const event = parseFields(data);
    if (event === null) throw malformed(this.#requestId);
    const type = stringIn(event, 'type');
    switch (type) {
      case 'response.output_text.delta':
        return this.#delta(event, 'content', 'output_text');
      case 'response.refusal.delta':
        return this.#delta(event, 'content', 'refusal');
      case 'response.reasoning_text.delta':
        return this.#delta(event, 'content', 'reasoning_text');
      case 'response.reasoning_summary_text.delta':
        return this.#delta(event, 'summary', 'summary_text');
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#output.item(this.#itemIndex(event))?.writer.delta(this.#text(event, 'delta'));
      case 'response.output_item.added':
        return void this.#output.begin(this.#itemIndex(event), this.#fields(event, 'item'));
      case 'response.output_item.done':
        return this.#output.finish(this.#itemIndex(event), this.#fields(event, 'item'));
      case 'response.content_part.added':
        return this.#partAdded(event, 'content');
      case 'response.reasoning_summary_part.added':
        return this.#partAdded(event, 'summary');
      case 'response.content_part.done':
        return this.#partDone(event, 'content');
      case 'response.reasoning_summary_part.done':
        return this.#partDone(event, 'summary');
      case 'response.completed':
      case 'response.incomplete':
        return this.#end(this.#fields(event, 'response'), type === 'response.incomplete');
      case 'response.failed':
        throw reportedFailure(fieldsIn(event, 'response') ?? event, this.#requestId);
      case 'response.cancelled':
      case 'error':
        throw reportedFailure(event, this.#requestId);
      case null:
        if (isFields(event['error'])) throw reportedFailure(event, this.#requestId);
        return;
      default:
        // New kinds of events come with new models; texts that only repeat (`*.done`) are taken from the item.
        return;
    }
  }

  #delta(event: Fields, list: PartPlace['list'], kind: PartKind): void {
    const item = this.#output.item(this.#itemIndex(event));
    if (item === null) return;
    this.#output.enter(item, { list, index: this.#partIndex(event, list), kind });
    item.writer.delta(this.#text(event, 'delta'), readLogprobs(listIn(event, 'logprobs')));
  }

  #partAdded(event: Fields, list: PartPlace['list']): void {
    const item = this.#output.item(this.#itemIndex(event));
    const kind = partKind(fieldsIn(event, 'part'));
    if (item !== null && kind !== undefined)
      this.#output.enter(item, { list, index: this.#partIndex(event, list), kind });
  }

  #partDone(event: Fields, list: PartPlace['list']): void {
    const item = this.#output.item(this.#itemIndex(event));
    const part = fieldsIn(event, 'part');
    if (item !== null && part !== null) this.#output.closePart(item, part, list, this.#partIndex(event, list));
  }

  #end(response: Fields, incomplete: boolean): void {
    this.#output.end(response, incomplete || response['status'] === 'incomplete');
    this.ended = true;
  }

  #itemIndex(event: Fields): number {
    return this.#index(event, 'output_index');
  }

  #partIndex(event: Fields, list: PartPlace['list']): number {
    return this.#index(event, list === 'summary' ? 'summary_index' : 'content_index');
  }

  #index(event: Fields, key: string): number {
    const index = countIn(event, key);
    if (index === null) throw malformed(this.#requestId);
    return index;
  }

  #text(event: Fields, key: string): string {
    const text = stringIn(event, key);
    if (text === null) throw malformed(this.#requestId);
    return text;
  }

  #fields(event: Fields, key: string): Fields {
    const fields = fieldsIn(event, key);
    if (fields === null) throw malformed(this.#requestId);
    return fields;
  }
}
