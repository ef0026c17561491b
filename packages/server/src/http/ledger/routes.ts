/** `/ledger/{home}`: a home's log as C2SP tlog-tiles has it, and where witnesses leave their cosignatures. */
import { perdureError } from '@perdure/protocol';
import { readText } from '../body.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps, LedgerView } from '../types.ts';

/** A checkpoint changes with the next batch. */
const CHECKPOINT_CACHE = 'max-age=1';
/** A full tile never changes. One that is not full does not either, but is soon of no use. */
const FULL_CACHE = 'max-age=31536000, immutable';
const PARTIAL_CACHE = 'max-age=3600';
/** A note with its signatures is far smaller. */
const NOTE_BYTES = 65_536;

function view(deps: HttpDeps): LedgerView {
  if (deps.ledger === null) throw perdureError('not_found', 'This server seals no ledger.');
  return deps.ledger;
}

/** A log that is not public is not cached where others could find it. */
function cached(deps: HttpDeps, how: string): string {
  return `${deps.ledger?.public === true ? 'public' : 'private'}, ${how}`;
}

export async function getCheckpoint(
  deps: HttpDeps,
  { res, requestId }: Exchange,
  home: string,
  which: 'newest' | 'cosigned',
): Promise<void> {
  const note = await view(deps).checkpoint(home, which);
  if (note === null) throw perdureError('not_found', 'There is no such checkpoint.');
  sendText(deps, { res, requestId }, note);
}

/** They change when the log goes over to a new key, with its checkpoint: so they are kept no longer than that. */
export async function getKeys(deps: HttpDeps, { res, requestId }: Exchange, home: string): Promise<void> {
  const keys = await view(deps).keys(home);
  if (keys === null) throw perdureError('not_found', 'There is no such log.');
  sendText(deps, { res, requestId }, keys);
}

function sendText(deps: HttpDeps, { res, requestId }: Pick<Exchange, 'res' | 'requestId'>, text: string): void {
  const bytes = Buffer.from(text);
  res.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': bytes.length,
    'cache-control': cached(deps, CHECKPOINT_CACHE),
    'x-request-id': requestId,
  });
  res.end(bytes);
}

export async function getTile(deps: HttpDeps, { res, requestId }: Exchange, home: string, path: string): Promise<void> {
  const tile = await view(deps).tile(home, `tile/${path}`);
  if (tile === null) throw perdureError('not_found', 'The checkpoint has no such tile.');
  res.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': tile.bytes.length,
    'cache-control': cached(deps, tile.full ? FULL_CACHE : PARTIAL_CACHE),
    'x-request-id': requestId,
  });
  res.end(tile.bytes);
}

/** The body is the checkpoint with the witness's line under it. A witness needs no key of ours: its signature says who it is. */
export async function addCosignature(deps: HttpDeps, exchange: Exchange, home: string): Promise<void> {
  const note = await readText(exchange.req, { ...deps.limits, bodyBytes: Math.min(deps.limits.bodyBytes, NOTE_BYTES) });
  const taken = await view(deps).cosign(home, note);
  sendJson(exchange.res, 200, { object: 'perdure.cosignature', taken }, { 'x-request-id': exchange.requestId });
}
