/**
 * Idempotency keys. A key is reserved, durably and with the id of what the request will make, before the request does anything: whatever dies
 * after that, the same request with the same key finds the same response, or makes it under the same id.
 */
import { perdureError, toPerdureError } from '@perdure/protocol';
import { homeTag, type HomeId, type ResponseId } from '../kernel/ids.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { killPoint } from './kill-point.ts';
import type { IdempotencySlot } from './ports.ts';

/** A request with a key. */
export interface Idempotent {
  readonly key: string;
  /** The request's body as it came. */
  readonly body: string | Uint8Array;
}

export interface IdempotencyKey extends Idempotent {
  readonly route: string;
  /** The home that what the request makes will lie in: the reserved id carries it. */
  readonly home: HomeId;
}

export interface Reserved {
  /**
   * - `fresh`: seen for the first time. Make it under `id`, and `release` the key if nothing came of it.
   * - `begun`: seen before, with the same body, and not known to have come to its end: it goes on, was refused, or died with its process.
   * - `done`: it came to its end.
   */
  readonly type: 'fresh' | 'begun' | 'done';
  readonly id: ResponseId;
  /** When it was reserved, ms since 1970. */
  readonly since: number;
  done(): Promise<void>;
  /** Gives the key back, unless it has been given to another request like it meanwhile. */
  release(): Promise<void>;
}

/**
 * @param underWay is given the id before the key is taken, so that nobody sees the one without the other; whoever took it takes it out
 * @throws idempotency_key_reused if the key was used with another body
 */
export async function reserve(
  engine: EngineContext,
  caller: Caller,
  given: IdempotencyKey,
  underWay: Set<string> = new Set(),
): Promise<Reserved> {
  const slot: IdempotencySlot = {
    tenant: caller.tenant,
    principal: caller.principal,
    route: given.route,
    key: given.key,
  };
  const now = engine.clock.now();
  const bodyDigest = Buffer.from(engine.sha256(given.body)).toString('hex');
  const row = { bodyDigest, id: engine.ids.next('resp', homeTag(given.home)), createdAt: now, done: false };
  underWay.add(row.id);
  let found: Awaited<ReturnType<typeof engine.control.reserve>> | null = null;
  try {
    found = await engine.sessions.wait(engine.control.reserve(slot, row, now - engine.limits.idempotencyMs));
  } finally {
    if (found !== 'reserved') underWay.delete(row.id);
  }
  killPoint('idempotency.after-reserve');
  const { id } = found === 'reserved' ? row : found;
  const settle = (outcome: 'done' | 'release') => engine.sessions.wait(engine.control.settle(slot, id, outcome));
  const ends = { id: id as ResponseId, done: () => settle('done'), release: () => settle('release') };
  if (found === 'reserved') return { type: 'fresh', since: now, ...ends };
  if (found.bodyDigest !== bodyDigest) {
    throw perdureError('idempotency_key_reused', 'This Idempotency-Key was used with another request body.');
  }
  return { type: found.done ? 'done' : 'begun', since: found.createdAt, ...ends };
}

/** Of a route of the Agents API, which answers 409 where others answer 422. */
export function reserveForAgents(engine: EngineContext, caller: Caller, given: IdempotencyKey): Promise<Reserved> {
  return reserve(engine, caller, given).catch((error: unknown) => {
    const problem = toPerdureError(error);
    if (problem.code !== 'idempotency_key_reused') throw error;
    throw perdureError(problem.code, problem.message, { status: 409, cause: error });
  });
}
