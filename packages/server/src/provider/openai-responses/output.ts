/** The items of one answer: what the events of a stream and an answer in one piece have in common. */
import type { JsonObject } from '../../log/events.ts';
import { isCallType, type PartKind, type StartedItem, type Step, type StepEnd } from '../../log/steps.ts';
import { malformed } from '../in-band.ts';
import { type Fields, fieldsIn, isFields, listIn, stringIn } from '../json.ts';
import { readLogprobs, readServiceTier } from '../logprobs.ts';
import { type ItemWriter, OutputWriter } from '../output-writer.ts';
import { AS_IS, type ReadToolName } from '../tool-names.ts';
import { upstreamId } from '../transport/request-id.ts';
import { readUsage, type UsageNames } from '../usage.ts';

const USAGE: UsageNames = {
  input: 'input_tokens',
  inputDetails: 'input_tokens_details',
  output: 'output_tokens',
  outputDetails: 'output_tokens_details',
};

const PART_KINDS: { readonly [type: string]: PartKind } = {
  output_text: 'output_text',
  refusal: 'refusal',
  summary_text: 'summary_text',
  reasoning_text: 'reasoning_text',
};

/** The part that something is about: `content` and `summary` are counted apart. */
export interface PartPlace {
  readonly list: 'content' | 'summary';
  readonly index: number;
  readonly kind: PartKind;
}

export interface OpenItem {
  readonly writer: ItemWriter;
  /** The key of the open part. */
  open: string | null;
  /** Keys of parts begun, the open one included. */
  readonly begun: Set<string>;
}

const keyOf = ({ list, index }: PartPlace): string => `${list}${index}`;

/** Undefined for a part of a kind that is not told. */
export function partKind(part: Fields | null): PartKind | undefined {
  return PART_KINDS[String(part?.['type'])];
}

/** Every method throws a `ProviderError` for what cannot be. */
export class ResponseOutput {
  readonly #requestId: string | null;
  readonly #toolName: ReadToolName;
  readonly #writer = new OutputWriter();
  /** By `output_index`; null for an item of a kind that is not told. */
  readonly #items = new Map<number, OpenItem | null>();

  constructor(requestId: string | null, toolName: ReadToolName = AS_IS) {
    this.#requestId = requestId;
    this.#toolName = toolName;
  }

  take(): Step[] {
    return this.#writer.take();
  }

  begin(index: number, item: Fields): OpenItem | null {
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
      case 'function_call':
      case 'custom_tool_call': {
        const callId = stringIn(item, 'call_id');
        const name = stringIn(item, 'name');
        if (callId === null || callId === '' || name === null || name === '') throw malformed(this.#requestId);
        return { type: item['type'], callId, ...this.#toolName(name, stringIn(item, 'namespace')) };
      }
      default:
        return null;
    }
  }

  /** An item that has begun and is not done. */
  item(index: number): OpenItem | null {
    const item = this.#items.get(index);
    if (item === undefined || item?.writer.isDone === true) throw malformed(this.#requestId);
    return item;
  }

  /** Makes the part the open one. Servers that do not say `part.added` begin it with its first delta. */
  enter(item: OpenItem, place: PartPlace): void {
    const key = keyOf(place);
    if (item.open === key) return;
    // Parts that were left cannot be taken up again (P2); and only messages and reasoning have parts.
    if (item.begun.has(key) || item.writer.isDone || isCallType(item.writer.type)) throw malformed(this.#requestId);
    item.begun.add(key);
    item.open = key;
    item.writer.part(place.kind);
  }

  /** Tells what of a part was not told yet, and closes it. */
  closePart(item: OpenItem, part: Fields, list: PartPlace['list'], index: number): void {
    const kind = partKind(part);
    if (kind === undefined) return;
    const key = keyOf({ list, index, kind });
    if (item.begun.has(key) && item.open !== key) return;
    this.enter(item, { list, index, kind });
    item.writer.rest(
      stringIn(part, kind === 'refusal' ? 'refusal' : 'text') ?? '',
      readLogprobs(listIn(part, 'logprobs')),
    );
    item.writer.closePart(listIn(part, 'annotations').filter(isFields) as JsonObject[]);
    item.open = null;
  }

  /** Tells what of an item was not told yet, and ends it. */
  finish(index: number, item: Fields): void {
    const known = this.#items.get(index);
    const open = known === undefined ? this.begin(index, item) : known;
    if (open === null || open.writer.isDone) return;
    const isCall = isCallType(open.writer.type);
    if (isCall) open.writer.rest(stringIn(item, open.writer.type === 'function_call' ? 'arguments' : 'input') ?? '');
    for (const list of ['summary', 'content'] as const) {
      if (isCall) break;
      for (const [at, part] of listIn(item, list).entries()) if (isFields(part)) this.closePart(open, part, list, at);
    }
    open.writer.done({
      incomplete: item['status'] === 'incomplete',
      encryptedContent: open.writer.type === 'reasoning' ? stringIn(item, 'encrypted_content') : null,
    });
  }

  /** Tells what of the answer was not told yet, and its end. */
  end(response: Fields, incomplete: boolean): void {
    for (const [index, item] of listIn(response, 'output').entries()) if (isFields(item)) this.finish(index, item);
    this.#writer.end({
      outcome: incomplete ? 'incomplete' : 'completed',
      reason: incomplete ? reasonOf(fieldsIn(response, 'incomplete_details')) : null,
      usage: readUsage(fieldsIn(response, 'usage'), USAGE),
      ...readServiceTier(response),
      upstream: { response: upstreamId(response['id']), request: this.#requestId },
    });
  }
}

function reasonOf(details: Fields | null): StepEnd['reason'] {
  const reason = details?.['reason'];
  if (reason === 'max_output_tokens' || reason === 'max_tokens') return 'max_output_tokens';
  return reason === 'content_filter' ? 'content_filter' : null;
}
