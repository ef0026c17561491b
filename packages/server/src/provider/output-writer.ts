/**
 * Puts what an upstream says in the order of P1 and P2 (log/steps.ts). An item that the upstream begins while another is open is held
 * back until its turn: order costs memory, so that is bounded.
 */
import type { JsonObject } from '../log/events.ts';
import type { PartKind, StartedItem, Step, StepEnd } from '../log/steps.ts';
import { interrupted } from './provider-error.ts';

/** Characters of deltas that may wait for their turn. */
export const MAX_HELD_CHARS: number = 4 * 1024 * 1024;
/** Items of one answer. */
export const MAX_ITEMS = 10_000;

export interface ItemOutcome {
  readonly incomplete?: boolean;
  readonly encryptedContent?: string | null;
}

export class OutputWriter {
  /** Steps that are due, in their order. */
  #due: Step[] = [];
  /** Begun and not yet told whole, oldest first: only the first one's steps are due. */
  readonly #line: ItemWriter[] = [];
  #items = 0;
  #heldChars = 0;

  get items(): number {
    return this.#items;
  }

  /** Takes the steps that are due. */
  take(): Step[] {
    const due = this.#due;
    this.#due = [];
    return due;
  }

  begin(item: StartedItem): ItemWriter {
    if (this.#items >= MAX_ITEMS) throw interrupted('The model provider sent too many items.');
    const index = this.#items++;
    const writer = new ItemWriter(index, item.type, step => this.#tell(writer, step));
    this.#line.push(writer);
    this.#tell(writer, { type: 'item', index, item });
    return writer;
  }

  /** Closes what is open and says the last word. */
  end(end: Omit<StepEnd, 'type'>): void {
    const incomplete = end.outcome === 'incomplete';
    // The first in line is never done: `done` takes it out, and those behind it that were.
    for (let open = this.#line[0]; open !== undefined; open = this.#line[0]) open.done({ incomplete });
    this.#due.push({ type: 'end', ...end });
  }

  #tell(writer: ItemWriter, step: Step): void {
    if (this.#line[0] === writer) {
      this.#due.push(step);
      if (step.type === 'item_done') this.#advance();
      return;
    }
    if (step.type === 'delta') this.#heldChars += step.text.length;
    if (this.#heldChars > MAX_HELD_CHARS)
      throw interrupted('The model provider interleaved more than this server holds.');
    writer.held.push(step);
  }

  #advance(): void {
    this.#line.shift();
    for (let next = this.#line[0]; next !== undefined; next = this.#line[0]) {
      for (const step of next.held) {
        if (step.type === 'delta') this.#heldChars -= step.text.length;
        this.#due.push(step);
      }
      next.held.length = 0;
      if (!next.isDone) return;
      this.#line.shift();
    }
  }
}

/** One item. A part is open from `part` until the next one, `closePart` or `done`. */
export class ItemWriter {
  readonly type: StartedItem['type'];
  /** Steps that wait for the items before. */
  readonly held: Step[] = [];
  readonly #index: number;
  readonly #tell: (step: Step) => void;
  #parts = 0;
  #open = false;
  #length = 0;
  #done = false;

  constructor(index: number, type: StartedItem['type'], tell: (step: Step) => void) {
    this.#index = index;
    this.type = type;
    this.#tell = tell;
  }

  get isDone(): boolean {
    return this.#done;
  }

  get parts(): number {
    return this.#parts;
  }

  part(kind: PartKind): void {
    this.closePart();
    this.#open = true;
    this.#length = 0;
    this.#tell({ type: 'part', index: this.#index, part: this.#parts, kind });
  }

  /** Of the open part, or of a call's arguments or input. */
  delta(text: string, logprobs: readonly JsonObject[] = []): void {
    if (text === '') return;
    this.#length += text.length;
    const weighed = logprobs.length > 0 && { logprobs };
    this.#tell({ type: 'delta', index: this.#index, part: this.#parts, text, ...weighed });
  }

  /** What of the whole text has not come as deltas. @param logprobs of the whole text: kept if none of it had come */
  rest(whole: string, logprobs: readonly JsonObject[] = []): void {
    if (whole.length > this.#length) this.delta(whole.slice(this.#length), this.#length === 0 ? logprobs : []);
  }

  closePart(annotations: readonly JsonObject[] = []): void {
    if (!this.#open) return;
    this.#open = false;
    this.#tell({
      type: 'part_done',
      index: this.#index,
      part: this.#parts++,
      ...(annotations.length > 0 && { annotations }),
    });
  }

  done({ incomplete = false, encryptedContent = null }: ItemOutcome = {}): void {
    this.closePart();
    this.#done = true;
    this.#tell({
      type: 'item_done',
      index: this.#index,
      ...(encryptedContent !== null && { encryptedContent }),
      ...(incomplete && { incomplete: true }),
    });
  }
}
