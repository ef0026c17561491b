/**
 * Steps -> items and the wire events that show them. One builder a call; it lives for the call and is fed once.
 *
 * O1  The same steps give the same events, byte for byte: what a reader saw is regenerated from items and delta lengths alone.
 * O2  A sequence number is given once, in order, without gaps.
 * O3  Items take their ids from their place in the log (`kernel/ids.ts`), so that a replay makes no second item.
 */
import { itemId } from '../kernel/ids.ts';
import { type JsonObject, type LoggedItem, type OutputPayload, textOf } from '../log/events.ts';
import { isCallType, type PartKind, type StartedItem, type Step } from '../log/steps.ts';
import { GrowingNumbers, GrowingText } from './growing.ts';
import { type OutputView, paddingOf, shownItem } from './shown.ts';

/** One event of a stream, serialised once for all its readers. */
export interface WireEvent {
  readonly seq: number;
  readonly type: string;
  readonly json: string;
}

interface OpenPart {
  readonly kind: PartKind;
  readonly text: GrowingText;
  readonly logprobs: JsonObject[];
}

interface ClosedPart {
  readonly kind: PartKind;
  readonly text: string;
  readonly annotations: readonly JsonObject[];
  readonly logprobs: readonly JsonObject[];
}

interface OpenItem {
  readonly id: string;
  readonly item: StartedItem;
  readonly parts: ClosedPart[];
  readonly lengths: GrowingNumbers[];
  /** How many log probabilities came with each delta. */
  readonly counts: GrowingNumbers[];
  open: OpenPart | null;
  readonly arguments: GrowingText;
  cut: boolean;
}

const ID_KINDS = {
  message: 'msg',
  function_call: 'fc',
  custom_tool_call: 'ctc',
  reasoning: 'rs',
  compaction: 'cmp',
} as const;

/** The events that show the text of a call. */
const CALL_EVENTS = {
  function_call: {
    delta: 'response.function_call_arguments.delta',
    done: 'response.function_call_arguments.done',
  },
  custom_tool_call: {
    delta: 'response.custom_tool_call_input.delta',
    done: 'response.custom_tool_call_input.done',
  },
} as const;

export interface OutputPlace {
  /** The id body of the turn, and the number of the call within it. */
  readonly body: string;
  readonly call: number;
  /** The number of the first event. */
  readonly seq: number;
  /** The position in `output` of the first item. */
  readonly index: number;
  /** What its readers see; all of it if absent. */
  readonly view?: OutputView;
  /** The phase of messages when an earlier call of the turn was cut; absent otherwise (omitted, never null). */
  readonly phase?: 'final_answer';
}

export class OutputBuilder {
  readonly #place: OutputPlace;
  readonly #items: LoggedItem[] = [];
  readonly #lengths: number[][][] = [];
  readonly #mixed: { [index: string]: boolean[] } = {};
  readonly #counts: { [index: string]: number[][] } = {};
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

  /** Whether anything of a call was shown: then it may not be made again (DESIGN.md part 5). */
  get hasCall(): boolean {
    return (this.#current !== null && isCallType(this.#current.item.type)) || this.calls.length > 0;
  }

  /** call_ids of the finished calls. */
  get calls(): readonly string[] {
    return this.#items.filter(item => isCallType(item.type)).map(item => textOf(item['call_id']));
  }

  get isEmpty(): boolean {
    return this.#items.length === 0 && this.#current === null;
  }

  /** What `call.completed` or `call.failed` keeps. @param streamed whether anyone was shown the deltas */
  payload(streamed: boolean): OutputPayload {
    if (!streamed) return { items: this.#items, deltas: null };
    const mixed = Object.keys(this.#mixed).length > 0 && { mixed: this.#mixed };
    const counted = Object.keys(this.#counts).length > 0 && { logprobs: this.#counts };
    return { items: this.#items, deltas: this.#lengths, ...mixed, ...counted };
  }

  /** Takes a step; its events are added to `into`, if anyone is to be shown them. */
  push(step: Step, into: WireEvent[] | null): void {
    switch (step.type) {
      case 'item':
        return this.#openItem(step.item, into);
      case 'part':
        return this.#openPart(step.kind, into);
      case 'delta':
        return this.#delta(step.text, this.#kept(step.logprobs ?? []), into);
      case 'part_done':
        return this.#closePart(step.annotations ?? [], into);
      case 'item_done':
        return this.#closeItem(step.incomplete ? 'incomplete' : 'completed', into, step.encryptedContent);
      case 'end':
        return;
    }
  }

  /**
   * The call's other steps will not come: what is open closes as incomplete.
   * @param commentary whether another call gives the answer; a cancelled one has no other
   */
  cut(into: WireEvent[] | null, commentary = true): void {
    if (this.#current === null) return;
    if (this.#current.open !== null) this.#closePart([], into);
    this.#current.cut = commentary;
    this.#closeItem('incomplete', into);
  }

  /** Log probabilities that nobody asked for are not kept. */
  #kept(logprobs: readonly JsonObject[]): readonly JsonObject[] {
    const { view } = this.#place;
    return view === undefined || view.include.includes('message.output_text.logprobs') ? logprobs : [];
  }

  #shown(item: LoggedItem): LoggedItem {
    const { view } = this.#place;
    return view === undefined ? item : shownItem(item, view.include);
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
      lengths: isCallType(item.type) ? [new GrowingNumbers()] : [],
      counts: [],
      open: null,
      arguments: new GrowingText(),
      cut: false,
    };
    if (isCallType(item.type)) {
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
    if (isCallType(current.item.type)) throw new Error('a call has no parts');
    current.open = { kind, text: new GrowingText(), logprobs: [] };
    current.lengths.push(new GrowingNumbers());
    current.counts.push(new GrowingNumbers());
    const at = this.#partPlace(current, kind);
    this.#deltaHead = `${at},"delta":`;
    if (kind === 'summary_text') {
      this.#emit(into, 'response.reasoning_summary_part.added', () => `${at},"part":{"type":"summary_text","text":""}`);
    } else {
      this.#emit(
        into,
        'response.content_part.added',
        () => `${at},"part":${JSON.stringify(partJson({ kind, text: '', annotations: [], logprobs: [] }))}`,
      );
    }
  }

  #partPlace(current: OpenItem, kind: PartKind): string {
    const before = current.parts.filter(part => (part.kind === 'summary_text') === (kind === 'summary_text')).length;
    const name = kind === 'summary_text' ? 'summary_index' : 'content_index';
    return `"item_id":"${current.id}","output_index":${this.#index},"${name}":${before}`;
  }

  #delta(text: string, logprobs: readonly JsonObject[], into: WireEvent[] | null): void {
    const current = this.#must();
    current.lengths.at(-1)?.push(text.length);
    const padded = this.#place.view?.padded === true;
    const json = (more = ''): string => {
      const delta = JSON.stringify(text);
      return `${this.#deltaHead}${delta}${more}${padded ? `,"obfuscation":"${paddingOf(delta)}"` : ''}`;
    };
    if (isCallType(current.item.type)) {
      current.arguments.add(text);
      return this.#emit(into, CALL_EVENTS[current.item.type].delta, json);
    }
    if (current.open === null) throw new Error('a delta came outside a part');
    current.open.text.add(text);
    switch (current.open.kind) {
      case 'output_text': {
        for (const one of logprobs) current.open.logprobs.push(one);
        current.counts.at(-1)?.push(logprobs.length);
        const said = logprobs.length === 0 ? '[]' : JSON.stringify(logprobs);
        return this.#emit(into, 'response.output_text.delta', () => json(`,"logprobs":${said}`));
      }
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
    const text = open.text.text();
    const at = this.#partPlace(current, open.kind);
    const closed: ClosedPart = { kind: open.kind, text, annotations, logprobs: open.logprobs };
    current.parts.push(closed);
    current.open = null;
    const value = (): string => JSON.stringify(text);
    const part = (): string => JSON.stringify(partJson(closed));
    switch (open.kind) {
      case 'output_text':
        this.#emit(
          into,
          'response.output_text.done',
          () => `${at},"text":${value()},"logprobs":${JSON.stringify(open.logprobs)}`,
        );
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
    if ('callId' in current.item) {
      const { type, name } = current.item;
      const said = type === 'function_call' ? `"name":${JSON.stringify(name)},"arguments"` : '"input"';
      const { done } = CALL_EVENTS[type];
      const text = (): string => JSON.stringify(current.arguments.text());
      this.#emit(into, done, () => `"item_id":"${current.id}","output_index":${index},${said}:${text()}`);
    }
    this.#emit(
      into,
      'response.output_item.done',
      () => `"output_index":${index},"item":${JSON.stringify(this.#shown(item))}`,
    );
    const summaries = current.parts.map(part => part.kind === 'summary_text');
    if (summaries.includes(true, summaries.indexOf(false))) this.#mixed[this.#items.length] = summaries;
    if (current.parts.some(part => part.logprobs.length > 0)) this.#counts[this.#items.length] = listed(current.counts);
    this.#items.push(item);
    this.#lengths.push(listed(current.lengths));
    this.#current = null;
  }

  #itemJson(current: OpenItem, status: string, encryptedContent: string | undefined): LoggedItem {
    const { id, item, parts } = current;
    switch (item.type) {
      case 'message': {
        const content = parts.map(partJson);
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
          ...(item.namespace !== undefined && { namespace: item.namespace }),
          arguments: current.arguments.text(),
        };
      case 'custom_tool_call':
        return {
          type: 'custom_tool_call',
          id,
          status,
          call_id: item.callId,
          name: item.name,
          ...(item.namespace !== undefined && { namespace: item.namespace }),
          input: current.arguments.text(),
        };
      case 'compaction':
        return { type: 'compaction', id, status, encrypted_content: encryptedContent ?? '' };
      case 'reasoning': {
        const pick = (summary: boolean) =>
          parts
            .filter(part => (part.kind === 'summary_text') === summary)
            .map(part => partJson({ ...part, annotations: [] }));
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

const listed = (all: readonly GrowingNumbers[]): number[][] => all.map(one => one.list());

function partJson({ kind, text, annotations, logprobs }: ClosedPart): JsonObject {
  switch (kind) {
    case 'output_text':
      return { type: 'output_text', text, annotations, logprobs };
    case 'refusal':
      return { type: 'refusal', refusal: text };
    case 'summary_text':
      return { type: 'summary_text', text };
    case 'reasoning_text':
      return { type: 'reasoning_text', text };
  }
}
