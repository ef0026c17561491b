/** Several streams as one: each in its own order, none waited for while another has something. More may be added while it is read. */
export class Merged<T> {
  readonly #ready: { readonly item: T; readonly taken: () => void }[] = [];
  #live = 0;
  #failed: { readonly error: unknown } | null = null;
  #closed = false;
  #wake: () => void = () => undefined;

  add(stream: AsyncIterable<T>): void {
    this.#live += 1;
    void this.#pump(stream);
  }

  async #pump(stream: AsyncIterable<T>): Promise<void> {
    try {
      for await (const item of stream) {
        if (this.#closed) return;
        await new Promise<void>(taken => {
          this.#ready.push({ item, taken });
          this.#wake();
        });
      }
    } catch (error) {
      this.#failed ??= { error };
    } finally {
      this.#live -= 1;
      this.#wake();
    }
  }

  /** Until all have ended. Whoever stops reading ends the streams himself. @throws what the first of them failed with */
  async *read(): AsyncGenerator<T> {
    try {
      for (;;) {
        const one = this.#ready.shift();
        if (one !== undefined) {
          yield one.item;
          one.taken();
        } else if (this.#failed !== null) throw this.#failed.error;
        else if (this.#live === 0) return;
        else await new Promise<void>(wake => void (this.#wake = wake));
      }
    } finally {
      this.#closed = true;
      for (const { taken } of this.#ready.splice(0)) taken();
    }
  }
}
