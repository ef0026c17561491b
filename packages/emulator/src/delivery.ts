import type { Exchange } from './exchange.ts';
import { type Behaviour, type Break, MAX_FAULT_MS } from './faults.ts';
import type { Reply } from './reply.ts';

/** How an answer ended, as the request log says it. */
export type Ending =
  | 'completed'
  | 'refused'
  | 'client-left'
  | 'cut'
  | 'hung'
  | 'truncated'
  | 'malformed'
  | 'error-event';

/** Deltas that need no wait are put together up to this many characters for one write. */
const WRITE_CHARS: number = 64 * 1024;
/** The length of the padding in the one event (or before the one body) that `oversize` sends. */
export const OVERSIZE_BYTES: number = 8 * 1024 * 1024;
const PADDING_CHARS = 1024 * 1024;
const BROKEN_EVENT = 'data: {"type":"response.output_text.delta","delta":"emulated, but bro\n\n';

async function writePadding(exchange: Exchange, filler: string): Promise<void> {
  const chunk = filler.repeat(PADDING_CHARS);
  for (let sent = 0; sent < OVERSIZE_BYTES && !exchange.gone; sent += PADDING_CHARS) await exchange.write(chunk);
}

/** Strikes after the events of `pending`, which are sent first. Null: the stream goes on after it. */
async function strike(
  exchange: Exchange,
  fault: Break,
  pending: string,
  errorFrame: () => string,
): Promise<Ending | null> {
  switch (fault.kind) {
    case 'cut':
      await exchange.flush(pending);
      exchange.destroy();
      return 'cut';
    case 'hang':
      await exchange.flush(pending);
      await exchange.untilGone();
      return 'hung';
    case 'malformed':
      exchange.response.end(pending + BROKEN_EVENT);
      return 'malformed';
    case 'error-event':
      exchange.response.end(pending + errorFrame());
      return 'error-event';
    case 'oversize':
      await exchange.write(`${pending}data: {"type":"emulated.oversize","padding":"`);
      await writePadding(exchange, 'x');
      await exchange.write('"}\n\n');
      return exchange.gone ? 'client-left' : null;
    default:
      return null;
  }
}

/** Sends an answer as server-sent events: at the pace asked for, no faster than it is read, and broken where told to. */
export async function sendStream(exchange: Exchange, reply: Reply, behaviour: Behaviour): Promise<Ending> {
  const { latencyMs, firstTokenMs, break: fault } = behaviour;
  const { response } = exchange;
  exchange.head(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  const paced = latencyMs > 0 || firstTokenMs > 0;
  const start = performance.now();
  const strikeAt = fault !== null && 'after' in fault ? fault.after : null;
  let pending = '';
  let deltas = 0;
  let sent = 0;
  if (fault !== null && strikeAt === 0) {
    const ended = await strike(exchange, fault, '', () => reply.errorFrame(0));
    if (ended !== null) return ended;
  }
  for (const frame of reply.frames()) {
    if (fault?.kind === 'truncate' && frame.kind === 'closing') {
      response.end(pending);
      return 'truncated';
    }
    if (paced && frame.kind === 'delta') {
      const wait = start + firstTokenMs + deltas * latencyMs - performance.now();
      if (wait > 0) {
        await exchange.write(pending);
        pending = '';
        await exchange.sleep(wait);
      }
    }
    pending += frame.text;
    sent++;
    if (frame.kind === 'delta' && ++deltas === strikeAt && fault !== null) {
      const ended = await strike(exchange, fault, pending, () => reply.errorFrame(sent));
      if (ended !== null) return ended;
      pending = '';
    }
    if (pending.length >= WRITE_CHARS) {
      await exchange.write(pending);
      pending = '';
    }
    if (exchange.gone) return 'client-left';
  }
  response.end(pending);
  return 'completed';
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Sends an answer as one JSON body, after the time that its tokens take; half of it where a fault says so. */
export async function sendBody(exchange: Exchange, reply: Reply, behaviour: Behaviour): Promise<Ending> {
  const { response } = exchange;
  const fault = behaviour.break;
  const wait = Math.min(behaviour.firstTokenMs + behaviour.latencyMs * reply.outputTokens, MAX_FAULT_MS);
  if (wait > 0) await exchange.sleep(wait);
  if (exchange.gone) return 'client-left';
  const body = reply.body();
  const half = body.slice(0, Math.floor(body.length / 2));
  if (fault?.kind === 'malformed' || fault?.kind === 'truncate') {
    exchange.head(200, { ...JSON_TYPE, 'content-length': Buffer.byteLength(half) });
    response.end(half);
    return fault.kind === 'truncate' ? 'truncated' : 'malformed';
  }
  if (fault?.kind === 'oversize') {
    exchange.head(200, JSON_TYPE);
    await writePadding(exchange, ' ');
    response.end(body);
    return exchange.gone ? 'client-left' : 'completed';
  }
  if (fault?.kind === 'cut' || fault?.kind === 'hang') {
    exchange.head(200, { ...JSON_TYPE, 'content-length': Buffer.byteLength(body) });
    const ended = await strike(exchange, fault, fault.after === 0 ? '' : half, () => '');
    return ended ?? 'completed';
  }
  exchange.json(200, body);
  return 'completed';
}
