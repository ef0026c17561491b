/** What commands print and the server has not been told yet, each text with its place: told again after a failure, the server shows it once. */
import { WORKER_LIMITS, type WorkerSays } from '@perdure/protocol';

/** Characters that wait to be told. What comes beyond is in the result alone. */
export const MOST_OUTPUT: number = 512 * 1024;
/** Texts that wait to be told. */
export const MOST_TEXTS: number = 2 * WORKER_LIMITS.requests;

interface Printed {
  readonly key: string;
  readonly at: number;
  text: string;
}

export class PrintedOutput {
  /** Characters that each command has printed so far. */
  readonly #printed = new Map<string, number>();
  #waiting: Printed[] = [];
  #chars = 0;

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  add(key: string, text: string): void {
    const at = this.#printed.get(key) ?? 0;
    this.#printed.set(key, at + text.length);
    const kept = text.slice(0, Math.max(0, MOST_OUTPUT - this.#chars));
    if (kept === '') return;
    const last = this.#waiting.findLast(one => one.key === key);
    if (last !== undefined && last.at + last.text.length === at) last.text += kept;
    else if (this.#waiting.length < MOST_TEXTS) this.#waiting.push({ key, at, text: kept });
    else return;
    this.#chars += kept.length;
  }

  take(): WorkerSays['output'] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#chars = 0;
    return taken;
  }

  /** Puts back what may not have come. What there is no room for is missing, and the server sees that it is. */
  restore(output: WorkerSays['output']): void {
    const back: Printed[] = [];
    for (const { key, text, at = 0 } of output) {
      if (this.#chars + text.length > MOST_OUTPUT || back.length + this.#waiting.length >= MOST_TEXTS) break;
      back.push({ key, at, text });
      this.#chars += text.length;
    }
    this.#waiting = [...back, ...this.#waiting];
  }

  /** It has ended: it prints no more. */
  forget(key: string): void {
    this.#printed.delete(key);
  }
}
