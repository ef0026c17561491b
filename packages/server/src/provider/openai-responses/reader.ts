/** Events of a Responses stream -> steps. */
import type { JsonObject, Usage } from '../../log/events.ts';
import type { PartKind, StartedItem, Step, StepEnd } from '../../log/steps.ts';
import type { EventReader } from '../dialect.ts';
import { malformed, reportedFailure, truncated } from '../in-band.ts';
import { countIn, type Fields, fieldsIn, isFields, listIn, parseFields, stringIn } from '../json.ts';
import { type ItemWriter, OutputWriter } from '../output-writer.ts';
import { upstreamId } from '../transport/request-id.ts';
import { readUsage, type UsageNames } from '../usage.ts';

const USAGE: UsageNames = {
  input: 'input_tokens',
  inputDetails: 'input_tokens_details',
  output: 'output_tokens',
  outputDetails: 'output_tokens_details',
};

/** Events that repeat the whole request and say nothing: known by their first bytes, so that they are not parsed before the first token. */
const IDLE_EVENTS = ['{"type":"response.created"', '{"type":"response.in_progress"'] as const;

const PART_KINDS: { readonly [type: string]: PartKind } = {
  output_text: 'output_text',
  refusal: 'refusal',
  summary_text: 'summary_text',
  reasoning_text: 'reasoning_text',
};

/** The part that an event is about: `content` and `summary` are counted apart. */
interface PartPlace {
  readonly list: 'content' | 'summary';
  readonly index: number;
  readonly kind: PartKind;
}

interface OpenItem {
  readonly writer: ItemWriter;
  /** The key of the open part. */
  open: string | null;
  /** Keys of parts begun, the open one included. */
  readonly begun: Set<string>;
}

const keyOf = ({ list, index }: PartPlace): string => `${list}${index}`;

export class ResponsesReader implements EventReader {
  readonly #requestId: string | null;
  readonly #writer = new OutputWriter();
  /** By `output_index`; null for an item of a kind that is not told. */
  readonly #items = new Map<number, OpenItem | null>();
  ended = false;

  constructor(requestId: string | null) {
    this.#requestId = requestId;
  }

  take(): Step[] {
    return this.#writer.take();
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
        return this.#item(event)?.writer.delta(this.#text(event, 'delta'));
      case 'response.output_item.added':
        return void this.#begin(this.#index(event, 'output_index'), this.#fields(event, 'item'));
      case 'response.output_item.done':
        return this.#finish(this.#index(event, 'output_index'), this.#fields(event, 'item'));
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
        return this.#end(type, this.#fields(event, 'response'));
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

  #begin(index: number, item: Fields): OpenItem | null {
    if (this.#items.has(index)) throw malformed(this.#requestId);
    const started = this.#started(item);
    const open =
      started === null ? null : { writer: this.#writer.begin(started), open: null, begun: new Set<string>() };
    this.#items.set(index, open);
    return open;
  }

  #started(item: Fields): StartedItem | null {
    switch (item['type']) {
      case 'message':
      case 'reasoning':
        return { type: item['type'] };
      case 'function_call': {
        const callId = stringIn(item, 'call_id');
        const name = stringIn(item, 'name');
        if (callId === null || callId === '' || name === null || name === '') throw malformed(this.#requestId);
        return { type: 'function_call', callId, name };
      }
      default:
        return null;
    }
  }

  #delta(event: Fields, list: PartPlace['list'], kind: PartKind): void {
    const item = this.#item(event);
    if (item === null) return;
    this.#enter(item, { list, index: this.#partIndex(event, list), kind });
    item.writer.delta(this.#text(event, 'delta'));
  }

  #partAdded(event: Fields, list: PartPlace['list']): void {
    const item = this.#item(event);
    const kind = PART_KINDS[String(fieldsIn(event, 'part')?.['type'])];
    if (item !== null && kind !== undefined) this.#enter(item, { list, index: this.#partIndex(event, list), kind });
  }

  /** Makes the part the open one. Servers that do not say `part.added` begin it with its first delta. */
  #enter(item: OpenItem, place: PartPlace): void {
    const key = keyOf(place);
    if (item.open === key) return;
    // Parts that were left cannot be taken up again (P2); and only messages and reasoning have parts.
    if (item.begun.has(key) || item.writer.isDone || item.writer.type === 'function_call')
      throw malformed(this.#requestId);
    item.begun.add(key);
    item.open = key;
    item.writer.part(place.kind);
  }

  #partDone(event: Fields, list: PartPlace['list']): void {
    const item = this.#item(event);
    const part = fieldsIn(event, 'part');
    if (item !== null && part !== null) this.#closePart(item, part, list, this.#partIndex(event, list));
  }

  /** Tells what of a part was not told yet, and closes it. */
  #closePart(item: OpenItem, part: Fields, list: PartPlace['list'], index: number): void {
    const kind = PART_KINDS[String(part['type'])];
    if (kind === undefined) return;
    const key = keyOf({ list, index, kind });
    if (item.begun.has(key) && item.open !== key) return;
    this.#enter(item, { list, index, kind });
    item.writer.rest(stringIn(part, kind === 'refusal' ? 'refusal' : 'text') ?? '');
    item.writer.closePart(listIn(part, 'annotations').filter(isFields) as JsonObject[]);
    item.open = null;
  }

  #finish(index: number, item: Fields): void {
    const known = this.#items.get(index);
    const open = known === undefined ? this.#begin(index, item) : known;
    if (open === null || open.writer.isDone) return;
    if (open.writer.type === 'function_call') open.writer.rest(stringIn(item, 'arguments') ?? '');
    for (const list of ['summary', 'content'] as const) {
      if (open.writer.type === 'function_call') break;
      for (const [at, part] of listIn(item, list).entries()) if (isFields(part)) this.#closePart(open, part, list, at);
    }
    open.writer.done({
      incomplete: item['status'] === 'incomplete',
      encryptedContent: open.writer.type === 'reasoning' ? stringIn(item, 'encrypted_content') : null,
    });
  }

  #end(type: string, response: Fields): void {
    for (const [index, item] of listIn(response, 'output').entries()) if (isFields(item)) this.#finish(index, item);
    const incomplete = type === 'response.incomplete' || response['status'] === 'incomplete';
    this.ended = true;
    this.#writer.end({
      outcome: incomplete ? 'incomplete' : 'completed',
      reason: incomplete ? reasonOf(fieldsIn(response, 'incomplete_details')) : null,
      usage: usageOf(response),
      upstream: { response: upstreamId(response['id']), request: this.#requestId },
    });
  }

  #item(event: Fields): OpenItem | null {
    const item = this.#items.get(this.#index(event, 'output_index'));
    if (item === undefined || item?.writer.isDone === true) throw malformed(this.#requestId);
    return item;
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

function reasonOf(details: Fields | null): StepEnd['reason'] {
  const reason = details?.['reason'];
  if (reason === 'max_output_tokens' || reason === 'max_tokens') return 'max_output_tokens';
  return reason === 'content_filter' ? 'content_filter' : null;
}

function usageOf(response: Fields): Usage | null {
  return readUsage(fieldsIn(response, 'usage'), USAGE);
}
