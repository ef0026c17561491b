/** Sees to it that sessions are told of their environments: now, in a while, or after the call that is in flight. All of it may be lost (L1). */
import { toPerdureError } from '@perdure/protocol';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { EngineContext } from '../engine-context.ts';
import { type Standing, tellSession } from './tell.ts';

/** After a failure of the store, ms. */
const AGAIN_MS = 2_000;

export interface Told {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly standing: () => Standing;
  /** It is in the log, or need not be. */
  readonly done: () => void;
}

interface Entry {
  subject: Told;
  timer: NodeJS.Timeout | null;
  /** Waits for the session's next commit. */
  later: boolean;
  under: boolean;
  again: boolean;
}

export class Teller {
  readonly #engine: EngineContext;
  readonly #entries = new Map<SessionId, Entry>();
  #stopped = false;

  constructor(engine: EngineContext) {
    this.#engine = engine;
  }

  /** Its environment may stand otherwise than its log says. */
  tell(subject: Told): void {
    const known = this.#entries.get(subject.session);
    const entry = known ?? { subject, timer: null, later: false, under: false, again: false };
    entry.subject = subject;
    this.#entries.set(subject.session, entry);
    this.#go(entry);
  }

  /** Something was committed to the session: what could not be told may be told now. */
  committed(session: SessionId): void {
    const entry = this.#entries.get(session);
    if (entry?.later === true) this.#go(entry);
  }

  forget(session: SessionId): void {
    const entry = this.#entries.get(session);
    if (entry?.timer != null) clearTimeout(entry.timer);
    this.#entries.delete(session);
  }

  stop(): void {
    this.#stopped = true;
    for (const session of this.#entries.keys()) this.forget(session);
  }

  #go(entry: Entry): void {
    if (this.#stopped) return;
    if (entry.timer !== null) clearTimeout(entry.timer);
    entry.timer = null;
    entry.later = false;
    entry.again = entry.under;
    if (entry.under) return;
    entry.under = true;
    void this.#try(entry);
  }

  async #try(entry: Entry): Promise<void> {
    const { subject } = entry;
    const { session } = subject;
    let waitMs: number | null = null;
    try {
      // Set before the answer: the very commit that makes way may come while this one is refused.
      entry.later = true;
      const told = await tellSession(this.#engine, subject);
      entry.later = told === 'later' || told === 'full';
      if (typeof told === 'object') waitMs = told.waitMs;
      if (told === 'told' || told === 'same') subject.done();
      // Nothing is held for a session that has nothing to be told (L4).
      if (told === 'gone' || ((told === 'told' || told === 'same') && !entry.again)) this.forget(session);
    } catch (error) {
      this.#engine.report('environment.tell', toPerdureError(error));
      waitMs = AGAIN_MS;
    }
    entry.under = false;
    if (this.#stopped || this.#entries.get(session) !== entry) return;
    if (entry.again) return this.#go(entry);
    if (waitMs !== null) entry.timer = setTimeout(() => this.#go(entry), waitMs).unref();
  }
}
