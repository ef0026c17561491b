/**
 * Reading a response while it runs, across the death of what runs it: one sequence of events for every reader (L2), from the turn while it
 * runs here and from the log once it has ended.
 *
 * F1  A reader that goes on after event N sees event N+1 next, whichever process shows it.
 * F2  A response that a dead process left is taken up by who asks for it, if recovery has not come to it; who asks waits `resumeMs`, no longer.
 * F3  At most `readers` read one running response; one more is refused before its stream begins.
 */
import { perdureError, type PerdureError, toPerdureError } from '@perdure/protocol';
import type { ResponseId } from '../kernel/ids.ts';
import type { WireEvent } from '../session/output.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import type { Take } from './flow.ts';
import { findResponse, short } from './plan.ts';
import { readResponse, streamOfRecord } from './read.ts';
import { BATCH_CHARS, type WireEvents, takeAll } from './reading.ts';
import { takeUp, type Wanted } from './recovery.ts';
import type { RunningTurn } from './turn.ts';

/** Between two looks at a response that another process still holds, ms. */
const LOOK_MS = 50;

/**
 * The turn that makes a response, taken up again if it was left; null once its end is in the log.
 * @throws response_not_found; response_in_progress if it cannot be taken up in time
 */
export async function runningTurn(
  engine: EngineContext,
  caller: Caller,
  id: string,
  { cancel, until = patience(engine) }: RunningOptions = {},
): Promise<RunningTurn | null> {
  for (;;) {
    const turn = engine.running.get(id as ResponseId);
    if (turn?.live.tenant === caller.tenant && turn.broadcast.error === null) return turn;
    const row = await findResponse(engine, caller, id);
    const store = engine.homes.locate(id, 'resp')?.store;
    if (row === null || store === undefined) throw responseNotFound(id);
    if (row.toSeq > 0) return null;
    if (engine.stopping()) throw beingTakenUp();
    try {
      if (!engine.spend.idle) await engine.spend.ready;
      const wanted: Wanted = cancel === undefined ? { orphansOnly: true } : { cancel };
      if ((await takeUp(engine, { tenant: caller.tenant, session: row.session, store }, wanted)) !== null) continue;
    } catch (error) {
      const { code } = toPerdureError(error);
      if (code !== 'conversation_locked' && code !== 'store_unavailable') throw error;
    }
    if (performance.now() >= until) throw beingTakenUp();
    await pause();
  }
}

interface RunningOptions {
  /** A turn that was left is ended instead. */
  readonly cancel?: NonNullable<Wanted['cancel']>;
  /** On `performance.now()`: how long it is waited for. */
  readonly until?: number;
}

/** By real time: what is waited for is another process. */
function patience(engine: EngineContext): number {
  return performance.now() + engine.limits.resumeMs;
}

/** A turn of an agent is no response, and is not taken up as one. @throws response_not_found */
async function refuseAgents(engine: EngineContext, caller: Caller, id: string): Promise<void> {
  const row = await findResponse(engine, caller, id);
  const store = engine.homes.locate(id, 'resp')?.store;
  if (row === null || store === undefined) throw responseNotFound(id);
  const session = await engine.sessions.wait(store.session(caller.tenant, row.session));
  if (session?.kind === 'agent') throw responseNotFound(id);
}

function responseNotFound(id: string): PerdureError {
  return perdureError('response_not_found', `Response with id '${short(id)}' not found.`);
}

function pause(): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, LOOK_MS));
}

export function beingTakenUp(): PerdureError {
  const message = 'The response is being taken up again; try again shortly.';
  return perdureError('response_in_progress', message, { retryAfterMs: 1000 });
}

export interface Following {
  readonly after: number;
  /** Aborted when the reader has left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The stream of a response after event `after`, to its end.
 * @throws response_not_found, response_in_progress, rate_limit_exceeded: all before the first event
 */
export async function followResponse(
  engine: EngineContext,
  caller: Caller,
  id: string,
  following: Following,
): Promise<WireEvents> {
  if (!engine.running.has(id as ResponseId)) await refuseAgents(engine, caller, id);
  const turn = await runningTurn(engine, caller, id);
  if (turn?.agent != null) throw responseNotFound(id);
  if (turn === null) return batches(streamOfRecord(await readResponse(engine, caller, id)), following.after);
  mustHaveRoom(engine, turn);
  return followTurn(engine, caller, turn, following);
}

/** @throws rate_limit_exceeded */
function mustHaveRoom(engine: EngineContext, turn: RunningTurn): void {
  if (turn.broadcast.readers < engine.limits.readers) return;
  throw perdureError('rate_limit_exceeded', 'The response is being read by as many as this server allows.', {
    retryAfterMs: 1000,
  });
}

/** The same of a turn that runs here now: it is read from this moment on. */
export function followTurn(engine: EngineContext, caller: Caller, turn: RunningTurn, following: Following): WireEvents {
  return new Followed({ engine, caller, turn, following });
}

interface FollowedOptions {
  readonly engine: EngineContext;
  readonly caller: Caller;
  /** The turn that is read first. */
  readonly turn: RunningTurn;
  readonly following: Following;
}

/** A response that runs, wherever it is carried on. It is read once. */
class Followed implements WireEvents {
  readonly #options: FollowedOptions;
  #turn: RunningTurn;
  #reading: WireEvents;
  /** The last event that was handed on. */
  #at: number;
  /** Runs from the moment at which the turn broke off, until something new is shown. */
  #until: number | null = null;

  constructor(options: FollowedOptions) {
    const { turn, following } = options;
    this.#options = options;
    this.#turn = turn;
    this.#at = following.after;
    this.#reading = turn.broadcast.read(following.after, following.signal);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly WireEvent[]> {
    do
      try {
        for await (const batch of this.#reading) yield this.#passed(batch);
        return;
      } catch (error) {
        this.#brokeOff(error);
      }
    while (await this.#goOn());
  }

  async flow(take: Take<WireEvent>): Promise<void> {
    do
      try {
        return await takeAll(this.#reading, batch => take(this.#passed(batch)));
      } catch (error) {
        this.#brokeOff(error);
      }
    while (await this.#goOn());
  }

  #passed(batch: readonly WireEvent[]): readonly WireEvent[] {
    this.#until = null;
    this.#at = batch.at(-1)?.seq ?? this.#at;
    return batch;
  }

  /** @throws the error, unless it is that the turn is not carried on here: then somebody takes it up again, and the reader goes on where it was */
  #brokeOff(error: unknown): void {
    if (error !== this.#turn.broadcast.error) throw error;
    this.#until ??= patience(this.#options.engine);
    if (performance.now() >= this.#until) throw error;
  }

  /** Looks for who carries the turn on. False if the reader has left meanwhile. @throws response_in_progress */
  async #goOn(): Promise<boolean> {
    const { engine, caller, turn, following } = this.#options;
    const { id } = turn.base;
    const next = await runningTurn(engine, caller, id, this.#until === null ? {} : { until: this.#until });
    if (following.signal?.aborted === true) return false;
    if (next === null) {
      this.#reading = batches(streamOfRecord(await readResponse(engine, caller, id)), this.#at);
      return true;
    }
    mustHaveRoom(engine, next);
    this.#turn = next;
    this.#reading = next.broadcast.read(this.#at, following.signal);
    return true;
  }
}

/** Events after `after`, in pieces as a running turn would hand them out. */
async function* batches(events: readonly WireEvent[], after: number): AsyncGenerator<readonly WireEvent[]> {
  let batch: WireEvent[] = [];
  let chars = 0;
  for (const event of events) {
    if (event.seq <= after) continue;
    batch.push(event);
    chars += event.json.length;
    if (chars < BATCH_CHARS) continue;
    yield batch;
    batch = [];
    chars = 0;
  }
  if (batch.length > 0) yield batch;
}
