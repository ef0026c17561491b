/**
 * Steps -> items and the wire events that show them. One builder a call; it lives for the call and is fed once.
 *
 * O1  The same steps give the same events, byte for byte: what a reader saw is regenerated from items and delta lengths alone.
 * O2  A sequence number is given once, in order, without gaps.
 * O3  Items take their ids from their place in the log (`kernel/ids.ts`), so that a replay makes no second item.
 */
import { itemId } from '../kernel/ids.ts';
import type { JsonObject, LoggedItem, OutputPayload } from '../log/events.ts';
import type { PartKind, StartedItem, Step } from '../log/steps.ts';

/** One event of a stream, serialised once for all its readers. */
export interface WireEvent {
  readonly seq: number;
  readonly type: string;
  readonly json: string;
}

const ID_KINDS = { message: 'msg', function_call: 'fc', reasoning: 'rs', compaction: 'cmp' } as const;

interface OpenPart {
  readonly kind: PartKind;
  readonly chunks: string[];
}

interface OpenItem {
  readonly id: string;
  readonly item: StartedItem;
  readonly parts: { kind: PartKind; text: string; annotations: readonly JsonObject[] }[];
  readonly lengths: number[][];
  open: OpenPart | null;
  arguments: string[];
  cut: boolean;
}

export interface OutputPlace {
  /** The id body of the turn, and the number of the call within it. */
  readonly body: string;
  readonly call: number;
  /** The number of the first event. */
  readonly seq: number;
  /** The position in `output` of the first item. */
  readonly index: number;
  /** The phase of messages when an earlier call of the turn was cut; absent otherwise (omitted, never null). */
  readonly phase?: 'final_answer';
}

export class OutputBuilder {
  readonly #place: OutputPlace;
  readonly #items: LoggedItem[] = [];
  readonly #lengths: number[][][] = [];
  readonly #mixed: { [index: string]: boolean[] } = {};
  #seq: number;
  #current: OpenItem | null = null;
  #deltaHead = '';

  constructor(place: OutputPlace) {
    this.#place = place;
    this.#seq = place.seq;
  }

  /** The number that the next event will take. */
  get seq(): number {
    return this.#seq;
  }

  /** Finished items. */
  get items(): readonly LoggedItem[] {
    return this.#items;
  }

  /** Whether anything of a function call was shown: then it may not be made again (DESIGN.md part 5). */
  get hasFunctionCall(): boolean {
    return this.#current?.item.type === 'function_call' || this.#items.some(item => item.type === 'function_call');
  }

  get isEmpty(): boolean {
    return this.#items.length === 0 && this.#current === null;
  }

  /** What `call.completed` or `call.failed` keeps. @param streamed whether anyone was shown the deltas */
  payload(streamed: boolean): OutputPayload {
    if (!streamed) return { items: this.#items, deltas: null };
    const mixed = Object.keys(this.#mixed).length > 0 && { mixed: this.#mixed };
    return { items: this.#items, deltas: this.#lengths, ...mixed };
  }

  /** Takes a step; its events are added to `into`, if anyone is to be shown them. */
  push(step: Step, into: WireEvent[] | null): void {
    switch (step.type) {
      case 'item':
        return this.#openItem(step.item, into);
      case 'part':
        return this.#openPart(step.kind, into);
      case 'delta':
        return this.#delta(step.text, into);
      case 'part_done':
        return this.#closePart(step.annotations ?? [], into);
      case 'item_done':
        return this.#closeItem(step.incomplete ? 'incomplete' : 'completed', into, step.encryptedContent);
      case 'end':
        return;
    }
  }

  /** The call was cut and its steps will not come: what is open closes as incomplete commentary; another call gives the answer. */
  cut(into: WireEvent[] | null): void {
    if (this.#current === null) return;
    if (this.#current.open !== null) this.#closePart([], into);
    this.#current.cut = true;
    this.#closeItem('incomplete', into);
  }

  /** @param rest what follows type and number: made only if someone is shown it */
  #emit(into: WireEvent[] | null, type: string, rest: () => string): void {
    const seq = this.#seq++;
    into?.push({ seq, type, json: `{"type":"${type}","sequence_number":${seq},${rest()}}` });
  }

  get #index(): number {
    return this.#place.index + this.#items.length;
  }

  #openItem(item: StartedItem, into: WireEvent[] | null): void {
    if (this.#current !== null) throw new Error('an item began before the one before it ended');
    const id = itemId(ID_KINDS[item.type], this.#place.body, this.#place.call, this.#items.length);
    this.#current = {
      id,
      item,
      parts: [],
      lengths: item.type === 'function_call' ? [[]] : [],
      open: null,
      arguments: [],
      cut: false,
    };
    if (item.type === 'function_call') {
      this.#deltaHead = `"item_id":"${id}","output_index":${this.#index},"delta":`;
    }
    const opened = this.#current;
    this.#emit(
      into,
      'response.output_item.added',
      () => `"output_index":${this.#index},"item":${JSON.stringify(this.#itemJson(opened, 'in_progress', undefined))}`,
    );
  }

  #openPart(kind: PartKind, into: WireEvent[] | null): void {
    const current = this.#must();
    if (current.open !== null) throw new Error('a part began before the one before it ended');
    if (current.item.type === 'function_call') throw new Error('a function call has no parts');
    current.open = { kind, chunks: [] };
    current.lengths.push([]);
    const at = this.#partPlace(current, kind);
    this.#deltaHead = `${at},"delta":`;
    if (kind === 'summary_text') {
      this.#emit(into, 'response.reasoning_summary_part.added', () => `${at},"part":{"type":"summary_text","text":""}`);
    } else {
      this.#emit(into, 'response.content_part.added', () => `${at},"part":${JSON.stringify(partJson(kind, '', []))}`);
    }
  }

  #partPlace(current: OpenItem, kind: PartKind): string {
    const before = current.parts.filter(part => (part.kind === 'summary_text') === (kind === 'summary_text')).length;
    const name = kind === 'summary_text' ? 'summary_index' : 'content_index';
    return `"item_id":"${current.id}","output_index":${this.#index},"${name}":${before}`;
  }

  #delta(text: string, into: WireEvent[] | null): void {
    const current = this.#must();
    current.lengths.at(-1)?.push(text.length);
    const json = (): string => `${this.#deltaHead}${JSON.stringify(text)}`;
    if (current.item.type === 'function_call') {
      current.arguments.push(text);
      return this.#emit(into, 'response.function_call_arguments.delta', json);
    }
    if (current.open === null) throw new Error('a delta came outside a part');
    current.open.chunks.push(text);
    switch (current.open.kind) {
      case 'output_text':
        return this.#emit(into, 'response.output_text.delta', () => `${json()},"logprobs":[]`);
      case 'refusal':
        return this.#emit(into, 'response.refusal.delta', json);
      case 'summary_text':
        return this.#emit(into, 'response.reasoning_summary_text.delta', json);
      case 'reasoning_text':
        return this.#emit(into, 'response.reasoning_text.delta', json);
    }
  }

  #closePart(annotations: readonly JsonObject[], into: WireEvent[] | null): void {
    const current = this.#must();
    const open = current.open;
    if (open === null) throw new Error('a part ended that had not begun');
    const text = open.chunks.join('');
    const at = this.#partPlace(current, open.kind);
    current.parts.push({ kind: open.kind, text, annotations });
    current.open = null;
    const value = (): string => JSON.stringify(text);
    const part = (): string => JSON.stringify(partJson(open.kind, text, annotations));
    switch (open.kind) {
      case 'output_text':
        this.#emit(into, 'response.output_text.done', () => `${at},"text":${value()},"logprobs":[]`);
        return this.#emit(into, 'response.content_part.done', () => `${at},"part":${part()}`);
      case 'refusal':
        this.#emit(into, 'response.refusal.done', () => `${at},"refusal":${value()}`);
        return this.#emit(into, 'response.content_part.done', () => `${at},"part":${part()}`);
      case 'reasoning_text':
        this.#emit(into, 'response.reasoning_text.done', () => `${at},"text":${value()}`);
        return this.#emit(into, 'response.content_part.done', () => `${at},"part":${part()}`);
      case 'summary_text':
        this.#emit(into, 'response.reasoning_summary_text.done', () => `${at},"text":${value()}`);
        return this.#emit(into, 'response.reasoning_summary_part.done', () => `${at},"part":${part()}`);
    }
  }

  #closeItem(status: 'completed' | 'incomplete', into: WireEvent[] | null, encryptedContent?: string): void {
    const current = this.#must();
    if (current.open !== null) throw new Error('an item ended before its part');
    const index = this.#index;
    const item = this.#itemJson(current, status, encryptedContent);
    if (current.item.type === 'function_call') {
      const { name } = current.item;
      this.#emit(
        into,
        'response.function_call_arguments.done',
        () =>
          `"item_id":"${current.id}","output_index":${index},"name":${JSON.stringify(name)},"arguments":${JSON.stringify(current.arguments.join(''))}`,
      );
    }
    this.#emit(into, 'response.output_item.done', () => `"output_index":${index},"item":${JSON.stringify(item)}`);
    const summaries = current.parts.map(part => part.kind === 'summary_text');
    if (summaries.includes(true, summaries.indexOf(false))) this.#mixed[this.#items.length] = summaries;
    this.#items.push(item);
    this.#lengths.push(current.lengths);
    this.#current = null;
  }

  #itemJson(current: OpenItem, status: string, encryptedContent: string | undefined): LoggedItem {
    const { id, item, parts } = current;
    switch (item.type) {
      case 'message': {
        const content = parts.map(part => partJson(part.kind, part.text, part.annotations));
        const phase = current.cut ? 'commentary' : this.#place.phase;
        return { type: 'message', id, status, role: 'assistant', content, ...(phase !== undefined && { phase }) };
      }
      case 'function_call':
        return {
          type: 'function_call',
          id,
          status,
          call_id: item.callId,
          name: item.name,
          arguments: current.arguments.join(''),
        };
      case 'compaction':
        return { type: 'compaction', id, status, encrypted_content: encryptedContent ?? '' };
      case 'reasoning': {
        const pick = (summary: boolean) =>
          parts
            .filter(part => (part.kind === 'summary_text') === summary)
            .map(part => partJson(part.kind, part.text, []));
        const content = pick(false);
        return {
          type: 'reasoning',
          id,
          status,
          summary: pick(true),
          ...(content.length > 0 && { content }),
          ...(encryptedContent !== undefined && { encrypted_content: encryptedContent }),
        };
      }
    }
  }

  #must(): OpenItem {
    if (this.#current === null) throw new Error('a step came outside an item');
    return this.#current;
  }
}

function partJson(kind: PartKind, text: string, annotations: readonly JsonObject[]): JsonObject {
  switch (kind) {
    case 'output_text':
      return { type: 'output_text', text, annotations, logprobs: [] };
    case 'refusal':
      return { type: 'refusal', refusal: text };
    case 'summary_text':
      return { type: 'summary_text', text };
    case 'reasoning_text':
      return { type: 'reasoning_text', text };
  }
}
