/** Steps that flow, read as others are pulled: so that what is said of the one way is tested of the other, too. */
import type { Step } from '../log/steps.ts';
import { flowed, NotTaken } from './flow.ts';
import type { Provider } from './ports.ts';

/** Holds one batch at a time: the source has no room until that was read. */
export async function* throughFlow(steps: AsyncIterable<readonly Step[]>): AsyncGenerator<readonly Step[]> {
  const source = steps[Symbol.asyncIterator]();
  let came = (): void => undefined;
  let held: { readonly batch: readonly Step[]; readonly taken: () => void; readonly refused: () => void } | null = null;
  let ended: { readonly error: unknown } | null = null;
  const flowing = flowed(source, batch => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    held = { batch, taken: resolve, refused: () => reject(new NotTaken('left')) };
    came();
    return promise;
  }).then(
    () => (ended = { error: null }),
    (error: unknown) => (ended = { error }),
  );
  void flowing.then(() => came());
  try {
    for (;;) {
      while (held === null && ended === null) await new Promise<void>(resolve => (came = resolve));
      if (held === null) {
        const { error } = ended as unknown as { readonly error: unknown };
        if (error !== null) throw error;
        return;
      }
      const { batch, taken } = held as NonNullable<typeof held>;
      yield batch;
      held = null;
      taken();
    }
  } finally {
    (held as { readonly refused: () => void } | null)?.refused();
    await flowing;
  }
}

export function flowing(provider: Provider): Provider {
  return { ...provider, call: async call => throughFlow(await provider.call(call)) };
}
