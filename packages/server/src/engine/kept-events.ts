/** The events of a running turn, for readers who come late or fall behind: the last that came as they are, those before them as bytes. */
import type { WireEvent } from '../session/output.ts';
import { KeptTexts } from './kept-texts.ts';

/** Between an event's type and its JSON: in neither. */
const BREAK = '\n';

export class KeptEvents {
  readonly #texts = new KeptTexts();
  /** What came last, which is what readers who keep up are handed. */
  #newest: readonly WireEvent[] = [];

  /** How many there are. */
  get length(): number {
    return this.#texts.length + this.#newest.length;
  }

  /** @param events numbered from `length` on, without gaps, and not changed afterwards */
  add(events: readonly WireEvent[]): void {
    if (events.length === 0) return;
    for (const { type, json } of this.#newest) this.#texts.add(`${type}${BREAK}${json}`);
    this.#newest = events;
  }

  /** Events from number `at` on, until they have `chars` characters together; none if there are none yet. */
  batch(at: number, chars: number): readonly WireEvent[] {
    const batch: WireEvent[] = [];
    let taken = 0;
    for (let seq = at; seq < this.#texts.length && taken < chars; seq++) {
      const event = eventOf(seq, this.#texts.text(seq));
      batch.push(event);
      taken += event.json.length;
    }
    for (let i = at + batch.length - this.#texts.length; taken < chars; i++) {
      const event = this.#newest[i];
      if (event === undefined) break;
      batch.push(event);
      taken += event.json.length;
    }
    return batch;
  }

  /** Bytes of the events from number `at` on; of the newest, which are few, characters. */
  bytes(at: number): number {
    let sum = this.#texts.bytes(at, this.#texts.length);
    for (let i = Math.max(0, at - this.#texts.length); i < this.#newest.length; i++)
      sum += this.#newest[i]?.json.length ?? 0;
    return sum;
  }
}

function eventOf(seq: number, text: string): WireEvent {
  const at = text.indexOf(BREAK);
  return { seq, type: text.slice(0, at), json: text.slice(at + BREAK.length) };
}
