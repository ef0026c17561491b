/** What the parts of this server that use one workspace at the same time must know of each other. Nothing is held for any other. */
import { perdureError } from '@perdure/protocol';

export interface Run {
  readonly stop: AbortController;
  readonly done: Promise<unknown>;
}

export interface Shared {
  users: number;
  /** All of its files are being changed: no command begins. */
  exclusive: boolean;
  /** The last change from the server's side. */
  writing: Promise<unknown>;
  readonly runs: Set<Run>;
  /** Servers that run in it, beside its commands: they are among its runs too. */
  servers: number;
}

export function makeShared(): {
  using<T>(key: string, act: (shared: Shared) => Promise<T>): Promise<T>;
  /** Null: nobody uses it. */
  get(key: string): Shared | null;
} {
  const all = new Map<string, Shared>();
  return {
    get: key => all.get(key) ?? null,
    async using(key, act) {
      const one = all.get(key) ?? {
        users: 0,
        exclusive: false,
        writing: Promise.resolve(),
        runs: new Set(),
        servers: 0,
      };
      all.set(key, one);
      one.users++;
      try {
        return await act(one);
      } finally {
        if (--one.users === 0) all.delete(key);
      }
    },
  };
}

/** One change of the files from the server's side after the other. */
export function exclusively<T>(shared: Shared, act: () => Promise<T>): Promise<T> {
  const done = shared.writing.catch(() => undefined).then(act);
  shared.writing = done.catch(() => undefined);
  return done;
}

/** A change of all files: no command runs, and none begins. @throws workspace_busy */
export function alone<T>(shared: Shared, act: () => Promise<T>): Promise<T> {
  return exclusively(shared, async () => {
    if (shared.exclusive || shared.runs.size > 0) throw perdureError('workspace_busy');
    shared.exclusive = true;
    try {
      return await act();
    } finally {
      shared.exclusive = false;
    }
  });
}
