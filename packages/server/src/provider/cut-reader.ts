/** A reader whose answer is cut on its way: what the upstream could not be asked for. */
import type { Step } from '../log/steps.ts';
import type { OutputCut } from './cut-output.ts';
import type { EventReader } from './dialect.ts';

export class CutReader implements EventReader {
  readonly #reader: EventReader;
  readonly #cut: OutputCut;

  constructor(reader: EventReader, cut: OutputCut) {
    this.#reader = reader;
    this.#cut = cut;
  }

  get ended(): boolean {
    return this.#cut.ended || this.#reader.ended;
  }

  get left(): boolean {
    return this.#cut.cut;
  }

  event(data: string): void {
    this.#reader.event(data);
  }

  close(): void {
    this.#reader.close();
  }

  take(): Step[] {
    return this.#cut.push(this.#reader.take());
  }
}
