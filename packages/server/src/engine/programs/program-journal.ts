/** What the log says of a program: the calls that it made, and what came of them in the order in which they ended. Read on from where it was read to. */
import { decodeEvent } from '../../log/codec.ts';
import { type Json, type LogEvent, type LoggedItem } from '../../log/events.ts';
import type { ProgramCall, ProgramResult } from '../../tool/program.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { MAX_EVENTS_READ } from '../ports.ts';
import { argumentsDigest } from '../tools/request-tools.ts';

interface Kept {
  readonly callId: string;
  readonly tool: string;
  readonly digest: string;
  readonly salt: string;
}

export class ProgramJournal {
  readonly #engine: EngineContext;
  readonly #live: LiveSession;
  readonly #program: string;
  #next: number;
  readonly #calls: Kept[] = [];
  readonly #indexes = new Map<string, number>();
  /** What its calls gave, in the order of the log. */
  readonly results: ProgramResult[] = [];
  /** When the program was asked for, ms since 1970. */
  at = 0;

  constructor(engine: EngineContext, live: LiveSession, program: string) {
    this.#engine = engine;
    this.#live = live;
    this.#program = program;
    this.#next = mustState(live).turn?.inputSeq ?? 1;
  }

  /** Calls that were kept. */
  get calls(): number {
    return this.#calls.length;
  }

  /** Of its calls, those that have not ended. */
  get open(): readonly string[] {
    return [...this.#indexes.keys()];
  }

  async read(): Promise<void> {
    const { tenant, session, store } = this.#live;
    for (;;) {
      const range = { tenant, session, from: this.#next, limit: MAX_EVENTS_READ };
      const stored = await this.#engine.sessions.wait(store.events(range));
      for (const one of stored) this.#take(decodeEvent({ tenant, session }, one));
      this.#next += stored.length;
      if (stored.length < MAX_EVENTS_READ) return;
    }
  }

  /** Whether a call that the program makes now is the one that was kept. */
  same({ name, arguments: args }: ProgramCall, index: number): boolean {
    const kept = this.#calls[index];
    return kept?.tool === name && argumentsDigest(this.#engine, kept.salt, args) === kept.digest;
  }

  #take(event: LogEvent): void {
    if (event.type === 'tool.requested') {
      const { caller, callId, tool, arguments: digest } = event.head;
      if (callId === this.#program) this.at = event.at;
      if (caller?.program !== this.#program) return;
      this.#indexes.set(callId, caller.index);
      this.#calls[caller.index] = { callId, tool, digest, salt: event.payload?.salt ?? '' };
    }
    if (event.type !== 'tool.completed' && event.type !== 'tool.failed') return;
    const index = this.#indexes.get(event.head.callId);
    if (index === undefined) return;
    this.#indexes.delete(event.head.callId);
    const [item] = event.payload?.items ?? [];
    if (event.type === 'tool.completed') this.results.push({ index, ok: true, text: outputText(item), code: null });
    else
      this.results.push({
        index,
        ok: false,
        text: event.payload?.message ?? 'The tool failed.',
        code: event.head.code,
      });
  }
}

/** Texts as they are; texts and images together as the list that they are. */
function outputText(item: LoggedItem | undefined): string {
  const output: Json = item?.['output'] ?? '';
  return typeof output === 'string' ? output : JSON.stringify(output);
}
