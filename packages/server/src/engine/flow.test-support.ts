/** Steps that flow, read as others are pulled: so that what is said of the one way is tested of the other, too. */
import type { Step } from '../log/steps.ts';
import { flowed, NotTaken } from './flow.ts';
import type { Provider } from './ports.ts';

interface Held {
  readonly batch: readonly Step[];
  taken(): void;
  refused(): void;
}

/** Holds one batch at a time: the source has no room until that was read. */
export async function* throughFlow(steps: AsyncIterable<readonly Step[]>): AsyncGenerator<readonly Step[]> {
  const now: { held: Held | null; ended: { readonly error: unknown } | null; came: () => void } = {
    held: null,
    ended: null,
    came: () => undefined,
  };
  const ends = (error: unknown): void => {
    now.ended = { error };
    now.came();
  };
  const flowing = flowed(steps[Symbol.asyncIterator](), batch => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    now.held = { batch, taken: resolve, refused: () => reject(new NotTaken('left')) };
    now.came();
    return promise;
  }).then(() => ends(null), ends);
  try {
    for (;;) {
      while (now.held === null && now.ended === null) await new Promise<void>(resolve => (now.came = resolve));
      const { held, ended } = now;
      if (held === null) {
        if (ended?.error != null) throw ended.error;
        return;
      }
      yield held.batch;
      now.held = null;
      held.taken();
    }
  } finally {
    now.held?.refused();
    await flowing;
  }
}

export function flowing(provider: Provider): Provider {
  return { ...provider, call: async call => throughFlow(await provider.call(call)) };
}
