/** Rate limits at the door: a request is counted before its body is read, and every answer to a limited key says how it stands. */
import type { ServerResponse } from 'node:http';
import type { Caller } from '../engine/caller.ts';
import type { BucketState } from '../engine/rate/bucket.ts';
import type { OpenRequest, Rates, RateStanding } from '../engine/rate/rates.ts';
import type { Headers } from './reply.ts';

/** Counts a request until its answer has been sent. Null: nothing limits the caller. @throws rate_limit_exceeded */
export function limitRate(rates: Rates, caller: Caller, res: ServerResponse): OpenRequest | null {
  const subject = { tenant: caller.tenant, key: caller.principal };
  if (rates.standing(subject) === null) return null;
  atHead(res, () => rateHeaders(rates.standing(subject)));
  const open = openConnection(rates, caller);
  if (open !== null) res.once('close', () => open.close());
  return open;
}

/**
 * The same for a WebSocket: opening it counts as a request and holds its place until `close`; each further `response.create` calls `again`, which
 * throws rate_limit_exceeded. Null if nothing limits the caller.
 */
export function openConnection(rates: Rates, caller: Caller): OpenRequest | null {
  return rates.open({ tenant: caller.tenant, key: caller.principal });
}

/** OpenAI's headers; none for what is not limited. */
export function rateHeaders(standing: RateStanding | null): Headers {
  const named = (what: string, state: BucketState | null | undefined): Headers =>
    state == null
      ? {}
      : {
          [`x-ratelimit-limit-${what}`]: state.limit,
          [`x-ratelimit-remaining-${what}`]: state.remaining,
          [`x-ratelimit-reset-${what}`]: duration(state.resetMs),
        };
  return { ...named('requests', standing?.requests), ...named('tokens', standing?.tokens) };
}

/** As OpenAI writes them: `250ms`, `1.5s`, `6m0s`, `23h59m0s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return `${hours > 0 ? `${hours}h` : ''}${hours + minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}

/** Sets headers when the head goes out, whoever writes it: only then is known what the request has used. */
function atHead(res: ServerResponse, headers: () => Headers): void {
  const write = res.writeHead.bind(res) as (...given: readonly unknown[]) => ServerResponse;
  res.writeHead = (...given: readonly unknown[]) => {
    for (const [name, value] of Object.entries(headers())) res.setHeader(name, value);
    return write(...given);
  };
}
