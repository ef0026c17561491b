/** Where the clients look for the server: it comes and goes under them. */
import type { Endpoint } from './http.ts';

export class Stage {
  #now: Endpoint | null = null;
  #waiting: (() => void)[] = [];
  #resting = false;
  #closed = false;

  open(endpoint: Endpoint): void {
    this.#now = endpoint;
    this.#wake();
  }

  /** The server is dead. */
  lost(): void {
    this.#now = null;
    this.#wake();
  }

  /** Clients begin nothing new; what they have begun they bring to its end. */
  rest(): void {
    this.#resting = true;
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  get resting(): boolean {
    return this.#resting;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get now(): Endpoint | null {
    return this.#now;
  }

  /** The endpoint, as soon as there is one other than `not`; null once the stage is closed. */
  async endpoint(not: Endpoint | null = null): Promise<Endpoint | null> {
    while (!this.#closed) {
      if (this.#now !== null && this.#now !== not) return this.#now;
      await new Promise<void>(resolve => this.#waiting.push(resolve));
    }
    return null;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
