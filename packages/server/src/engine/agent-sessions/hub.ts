/** Tells who follows a session that something happened in it. Nothing is held for a session that nobody follows (L4). */
import type { SessionId } from '../../kernel/ids.ts';

interface Entry {
  version: number;
  readonly followers: Set<() => void>;
}

export class SessionHub {
  readonly #entries = new Map<SessionId, Entry>();
  readonly #held = new Map<SessionId, number>();
  readonly #beside = new Map<SessionId, number>();

  /** Something was committed to the session. */
  wake(session: SessionId): void {
    const entry = this.#entries.get(session);
    if (entry === undefined) return;
    entry.version += 1;
    for (const follower of entry.followers) follower();
    entry.followers.clear();
  }

  /** Begins to follow. What is returned ends it; call it once. @param beside it is the same reader's, who follows already */
  follow(session: SessionId, beside = false): () => void {
    this.#held.set(session, (this.#held.get(session) ?? 0) + 1);
    if (beside) this.#beside.set(session, (this.#beside.get(session) ?? 0) + 1);
    if (!this.#entries.has(session)) this.#entries.set(session, { version: 0, followers: new Set() });
    return () => {
      const others = (this.#beside.get(session) ?? 0) - (beside ? 1 : 0);
      if (others > 0) this.#beside.set(session, others);
      else this.#beside.delete(session);
      const left = (this.#held.get(session) ?? 1) - 1;
      if (left > 0) return void this.#held.set(session, left);
      this.#held.delete(session);
      this.#entries.delete(session);
    };
  }

  followers(session: SessionId): number {
    return (this.#held.get(session) ?? 0) - (this.#beside.get(session) ?? 0);
  }

  /** What `changed` is asked with: taken before the session is looked at, so that nothing falls between. */
  version(session: SessionId): number {
    return this.#entries.get(session)?.version ?? 0;
  }

  /** Resolves once something was committed since `version`, or `signal` aborts. */
  changed(session: SessionId, version: number, signal: AbortSignal): Promise<void> {
    const entry = this.#entries.get(session);
    if (entry === undefined || entry.version !== version || signal.aborted) return Promise.resolve();
    return new Promise(resolve => {
      const done = (): void => {
        entry.followers.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      entry.followers.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
