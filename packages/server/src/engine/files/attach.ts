/**
 * What new input attaches: files by id and addresses. All of it is looked at before anything is committed: that each file is there and the
 * tenant's, what labels come with it (L8), that what lies at an address may be fetched, and how large it all is. The log keeps the reference
 * alone (L11); what an address gave is kept beside, for the turn's later calls, so that they are sent the same bytes.
 */
import { type InputPart, isPerdureError, type NewItem, perdureError } from '@perdure/protocol';
import { createHash } from 'node:crypto';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { LoggedItem } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Placing } from '../placing.ts';
import type { SessionLog } from '../ports.ts';
import { chunksOf, ChunkWriter } from './chunks.ts';
import { type Fetched, MAX_FETCHES } from './desk.ts';
import { fetchedId, storeOfFile } from './file-id.ts';
import { isImage } from './media-type.ts';
import { type Reference, type ReferringPart, refers, referringParts } from './parts.ts';
import type { FileRow } from './rows.ts';

export interface Attached {
  /** Of the files, without repeats. */
  readonly labels: readonly string[];
  /** What they come to in a model's input, images aside: for estimates. */
  readonly bytes: number;
  readonly fetched: ReadonlyMap<InputPart, Fetched>;
}

export const NOTHING_ATTACHED: Attached = { labels: [], bytes: 0, fetched: new Map() };

type EgressSubject = Omit<Parameters<Placing['egress']>[0], 'destination'>;

/** With the facts of whoever asks: contracts say whether what it asks for may leave for an address. */
export interface AttachOptions extends EgressSubject {
  /** The parameter that holds the items. */
  readonly param: 'input' | 'items';
  readonly signal?: AbortSignal;
}

/** @throws file_not_found, file_too_large, file_type_not_allowed, egress_denied, fetch_failed, each naming its field */
export async function attach(
  engine: EngineContext,
  items: readonly NewItem[],
  options: AttachOptions,
): Promise<Attached> {
  if (!refers(items)) return NOTHING_ATTACHED;
  const labels = new Set<string>();
  const fetched = new Map<InputPart, Fetched>();
  let total = 0;
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    for (const found of referringParts(item)) {
      const param = `${options.param}[${index}].${found.list}[${found.index}].${found.field}`;
      const left = engine.files.limits.attachedBytes - total;
      const come = await named(param, () =>
        bring(engine, found.reference, { ...options, left, so: fetched.size, brought: [...labels] }),
      );
      if (come === null) continue;
      for (const label of come.labels) labels.add(label);
      if (come.fetched !== null) fetched.set(found.part, come.fetched);
      total += come.bytes;
      if (total > engine.files.limits.attachedBytes) throw tooMuch(engine, param);
      if (found.reference.as === 'file') bytes += come.bytes;
    }
  }
  return { labels: [...labels].toSorted(), bytes, fetched };
}

interface Brought {
  readonly labels: readonly string[];
  readonly bytes: number;
  readonly fetched: Fetched | null;
}

interface BringOptions extends AttachOptions {
  /** Bytes that may still come. */
  readonly left: number;
  /** Addresses that were fetched so far. */
  readonly so: number;
  /** Labels of the files so far. */
  readonly brought: readonly string[];
}

/** Null for an address that is passed on as it is. */
async function bring(engine: EngineContext, reference: Reference, options: BringOptions): Promise<Brought | null> {
  if (reference.type === 'file') {
    const { labels, bytes } = await fileRow(engine, options.tenant, reference);
    return { labels, bytes, fetched: null };
  }
  if (engine.files.fetch === null) return null;
  if (options.so >= MAX_FETCHES)
    throw perdureError('invalid_request', `One request may name ${MAX_FETCHES} addresses at most.`);
  const host = URL.canParse(reference.url) ? new URL(reference.url).hostname : '*';
  const refused = engine.placing.egress({
    ...options,
    requestLabels: [...options.requestLabels, ...options.brought],
    destination: { host, use: 'file' },
  });
  if (refused !== null) throw refused;
  const fetched = await engine.files.fetch(reference.url, {
    as: reference.as,
    mostBytes: Math.max(options.left, 0),
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  return { labels: [], bytes: fetched.bytes.length, fetched };
}

async function fileRow(
  engine: EngineContext,
  tenant: TenantId,
  { id, as }: Extract<Reference, { type: 'file' }>,
): Promise<FileRow> {
  const row = await findFile(engine, tenant, id);
  if (row === null) throw perdureError('file_not_found', undefined, { status: 400 });
  if (as === 'image' && !isImage(row.type))
    throw perdureError('file_type_not_allowed', 'The file is no PNG, JPEG, GIF or WebP image.');
  return row;
}

/** A file of the tenant that is there now; null else. */
export async function findFile(engine: EngineContext, tenant: TenantId, id: string): Promise<FileRow | null> {
  const store = storeOfFile(engine.homes, id);
  const row = store === null ? null : await engine.sessions.wait(store.file(tenant, id));
  const there = row?.status === 'ready' && (row.expiresAt === null || row.expiresAt > engine.clock.now());
  return there ? row : null;
}

async function named<T>(param: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isPerdureError(error) || error.param !== null) throw error;
    throw perdureError(error.code, error.message, {
      param,
      status: error.status,
      cause: error,
      ...(error.details !== undefined && { details: error.details }),
    });
  }
}

function tooMuch(engine: EngineContext, param: string): Error {
  const { attachedBytes } = engine.files.limits;
  return perdureError('file_too_large', `One request may attach ${attachedBytes} bytes at most.`, { param });
}

export interface KeptAt {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly store: SessionLog;
  /** The event that will hold the items. */
  readonly seq: number;
}

/**
 * Keeps what was fetched for items that are about to be committed: rows first, then bytes (F1). If the commit does not come, the sweep
 * takes them.
 */
export async function keepFetched(
  engine: EngineContext,
  at: KeptAt,
  items: readonly LoggedItem[],
  { fetched }: Attached,
): Promise<void> {
  if (fetched.size === 0) return;
  for (const item of items) {
    for (const found of referringParts(item)) {
      const content = fetched.get(found.part);
      if (content !== undefined) await keepOne(engine, at, fetchedId(item.id, partOf(found)), content);
    }
  }
}

/** The place of a part among all those of its item. */
export function partOf({ index }: Pick<ReferringPart, 'index'>): number {
  return index;
}

async function keepOne(engine: EngineContext, at: KeptAt, id: string, content: Fetched): Promise<void> {
  const { tenant, session, store, seq } = at;
  const { bytes, type, filename } = content;
  const row: FileRow = {
    id,
    tenant,
    owner: { session, seq },
    purpose: 'fetched',
    filename,
    type,
    labels: [],
    createdAt: engine.clock.now(),
    expiresAt: null,
    bytes: bytes.length,
    chunks: chunksOf(bytes.length),
    digest: createHash('sha256').update(bytes).digest('hex'),
    status: 'pending',
  };
  const wait = <T>(work: Promise<T>): Promise<T> => engine.sessions.wait(work);
  // A try before this one may have left it, if what it wrote to was not told to have failed.
  if (!(await wait(store.putFile(row)))) throw perdureError('store_unavailable');
  const writer = new ChunkWriter(engine.files.blobs(store.home), row, wait);
  await writer.write(bytes);
  await writer.finish();
}
