/**
 * Artifacts: what a turn left in the folder of outputs, kept byte for byte at the session's home. They outlive the environment and end with
 * the session.
 *
 * A1  An artifact's id follows from its turn and its path: collecting a turn again makes no second one.
 * A2  Its bytes are durable before its row is there. Bytes without a row are the session's, and go with it.
 * A3  What was deleted is hidden in one commit, and its row goes last: what dies in between is finished by the sweep.
 */
import { isPerdureError, OUTPUTS_DIRECTORY, perdureError, type SessionArtifact } from '@perdure/protocol';
import { createHash } from 'node:crypto';
import { base32, idBody, type SessionId, type TenantId } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { chunksOf, ChunkWriter, readChunks } from '../files/chunks.ts';
import { HEAD_BYTES, mediaType, typeOf } from '../files/media-type.ts';
import { discard } from '../files/remove-file.ts';
import type { FileRow } from '../files/rows.ts';
import type { SessionLog } from '../ports.ts';
import type { ResourceRow } from '../resources.ts';
import type { Workspace } from '../tools/ports.ts';
import { allFiles } from './files.ts';
import {
  changeRow,
  type EnvironmentRecord,
  type Found,
  findEnvironment,
  findRow,
  insertRow,
  type Output,
  type Page,
  pageRows,
  removeRow,
  type RowQuery,
} from './records.ts';

/** Below the workspace. */
const OUTPUTS = 'outputs';
/** Characters of a random id body that follow from the path: 14 digits of 5 bits. */
const DIGITS = 14;

interface ArtifactRecord {
  readonly environment: string;
  /** Absolute, as the environment shows it. */
  readonly path: string;
  readonly turn: string;
  readonly bytes: number;
  readonly chunks: number;
  readonly type: string;
  readonly deleted: boolean;
}

export interface CollectFrom {
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** As the wire names it: what artifacts show. */
  readonly turn: { readonly id: string /** The turn's event: its bytes are erased with it. */; readonly seq: number };
  readonly environment: string;
  readonly workspace: Workspace;
  /** Of the session (L8). */
  readonly labels: readonly string[];
}

export interface Collected {
  readonly artifacts: readonly SessionArtifact[];
  /** What was not kept, and why; for the operator and for tests. */
  readonly skipped: readonly { readonly path: string; readonly why: 'too_large' | 'too_many' | 'quota' | 'gone' }[];
}

const NOTHING: Collected = { artifacts: [], skipped: [] };

/**
 * Keeps what the turn made or changed below `outputs`. Call it once its tools have ended and before its end is committed: whoever takes the
 * turn up again calls it again (A1).
 */
export async function collectArtifacts(engine: EngineContext, from: CollectFrom): Promise<Collected> {
  const { tenant, environment, workspace } = from;
  const { record } = await findEnvironment(engine, tenant, environment);
  if (record.type !== 'openai_hosted') return NOTHING;
  const { files, more } = await allFiles(workspace, OUTPUTS, engine.environments.limits.artifactFiles);
  const before = new Map(record.outputs.map(output => [output[0], output]));
  const artifacts: SessionArtifact[] = [];
  const skipped: Collected['skipped'][number][] = more ? [{ path: OUTPUTS_DIRECTORY, why: 'too_many' }] : [];
  const outputs: Output[] = [];
  for (const file of files) {
    const known = before.get(file.path);
    if (known !== undefined && known[1] === file.size && known[2] === file.modifiedAt) {
      outputs.push(known);
      continue;
    }
    const kept = await keep(engine, from, { ...file, known: known?.[3] ?? null });
    if ('why' in kept) skipped.push({ path: `/workspace/${file.path}`, why: kept.why });
    else {
      outputs.push([file.path, file.size, file.modifiedAt, kept.digest]);
      if (kept.artifact !== null) artifacts.push(kept.artifact);
    }
  }
  if (JSON.stringify(outputs) !== JSON.stringify(record.outputs))
    await changeRow<EnvironmentRecord>(engine, { kind: 'environment', tenant, id: environment }, ({ record: now }) =>
      now.type === 'openai_hosted' ? { record: { ...now, outputs } } : null,
    );
  return { artifacts, skipped };
}

interface Candidate {
  readonly path: string;
  readonly size: number;
  /** SHA-256 of what it was when it was last collected. */
  readonly known: string | null;
}
type Kept =
  | { readonly digest: string; readonly artifact: SessionArtifact | null }
  | { readonly why: 'too_large' | 'quota' | 'gone' };

async function keep(engine: EngineContext, from: CollectFrom, { path, size, known }: Candidate): Promise<Kept> {
  const most = engine.environments.limits.artifactBytes;
  if (size > most) return { why: 'too_large' };
  let bytes: Uint8Array | null;
  try {
    bytes = await from.workspace.read(path, most);
  } catch (error) {
    // It grew after it was listed.
    if (isPerdureError(error) && error.code === 'file_too_large') return { why: 'too_large' };
    throw error;
  }
  if (bytes === null) return { why: 'gone' };
  const digest = createHash('sha256').update(bytes).digest('hex');
  // It was written again and says the same: nothing changed.
  if (digest === known) return { digest, artifact: null };
  const id = artifactId(from.turn.id, path);
  const { tenant } = from;
  const there = await engine.sessions.wait(engine.control.resource('artifact', tenant, id));
  if (there !== null) return { digest, artifact: resourceOf(found(there)) };
  const type = typeOf(bytes.subarray(0, HEAD_BYTES), mediaType(null), path);
  if (!(await storeBytes(engine, from, { id, path, digest, type, bytes }))) return { why: 'quota' };
  const made = await insertRow<ArtifactRecord>(engine, {
    kind: 'artifact',
    tenant,
    id,
    parent: from.session,
    wakeAt: null,
    record: {
      environment: from.environment,
      path: `/workspace/${path}`,
      turn: from.turn.id,
      bytes: bytes.length,
      chunks: chunksOf(bytes.length),
      type,
      deleted: false,
    },
  });
  return { digest, artifact: resourceOf(made) };
}

interface Stored {
  readonly id: string;
  readonly path: string;
  readonly digest: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** False if the tenant's files would come to too much with it. */
async function storeBytes(engine: EngineContext, from: CollectFrom, given: Stored): Promise<boolean> {
  const { tenant, session, turn, labels } = from;
  const store = storeOf(engine, session);
  if (store === null) throw perdureError('store_unavailable');
  const { id, path, digest, type, bytes } = given;
  const wait = <T>(work: Promise<T>): Promise<T> => engine.sessions.wait(work);
  const content = {
    purpose: 'artifact',
    filename: path.split('/').at(-1) ?? '',
    type,
    bytes: bytes.length,
    chunks: chunksOf(bytes.length),
    digest,
    expiresAt: null,
  };
  const owner = { session, seq: turn.seq };
  const row: FileRow = { id, tenant, owner, labels, createdAt: engine.clock.now(), ...content, status: 'pending' };
  // A try before this one may have left it.
  await wait(store.putFile(row));
  const writer = new ChunkWriter(engine.files.blobs(store.home), row, wait);
  await writer.write(bytes);
  await writer.finish();
  const { tenantBytes, tenantFiles } = engine.files.limits;
  const finished = await wait(store.finishFile(tenant, id, content, { bytes: tenantBytes, files: tenantFiles }));
  if (finished === 'too_many' || finished === 'too_much') {
    await discard(engine, store, row);
    return false;
  }
  // `absent`: it was finished before.
  return true;
}

/** Of the turn's time and home, and of its path. */
export function artifactId(turn: string, path: string): string {
  const body = idBody(turn, turn.split('_')[0] ?? '') ?? '';
  const hash = createHash('sha256').update(`${turn}\0${path}`).digest();
  const digits = Array.from({ length: DIGITS }, (_, index) => base32((hash[index] ?? 0) & 31, 1)).join('');
  return `art_${body.slice(0, body.length - DIGITS)}${digits}`;
}

const found = (row: ResourceRow): Found<ArtifactRecord> => ({ row, record: JSON.parse(row.body) as ArtifactRecord });

function resourceOf({ row, record }: Found<ArtifactRecord>): SessionArtifact {
  return {
    id: row.id,
    created_at: Math.floor(row.createdAt / 1000),
    environment_id: record.environment,
    object: 'agent.session.artifact',
    path: record.path,
    session_id: row.parent ?? '',
    size_bytes: record.bytes,
    turn_id: record.turn,
  };
}

/** @throws artifact_not_found */
async function findArtifact(
  engine: EngineContext,
  tenant: TenantId,
  session: string,
  id: string,
): Promise<Found<ArtifactRecord>> {
  const one = await findRow<ArtifactRecord>(engine, 'artifact', tenant, id);
  if (one.row.parent !== session || one.record.deleted) throw perdureError('artifact_not_found');
  return one;
}

export async function readArtifact(
  engine: EngineContext,
  { tenant }: Caller,
  session: string,
  id: string,
): Promise<SessionArtifact> {
  return resourceOf(await findArtifact(engine, tenant, session, id));
}

export interface ArtifactContent {
  readonly filename: string;
  readonly type: string;
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** @throws artifact_not_found */
export async function artifactContent(
  engine: EngineContext,
  { tenant }: Caller,
  session: string,
  id: string,
): Promise<ArtifactContent> {
  const { record } = await findArtifact(engine, tenant, session, id);
  const store = storeOf(engine, session);
  if (store === null) throw perdureError('artifact_not_found');
  const wait = <T>(work: Promise<T>): Promise<T> => engine.sessions.wait(work);
  const bytes = readChunks(engine.files.blobs(store.home), { tenant, id, chunks: record.chunks }, wait);
  return { filename: record.path.split('/').at(-1) ?? 'artifact', type: record.type, size: record.bytes, bytes };
}

function storeOf(engine: EngineContext, session: string): SessionLog | null {
  return engine.homes.ofBody(session.slice(session.indexOf('_') + 1));
}

export async function listArtifacts(
  engine: EngineContext,
  { tenant }: Caller,
  session: string,
  query: RowQuery & { readonly environment: string | null },
): Promise<Page<SessionArtifact>> {
  const { environment } = query;
  const keepIt = (record: ArtifactRecord): boolean =>
    !record.deleted && (environment === null || record.environment === environment);
  const of = { kind: 'artifact', tenant, parent: session } as const;
  const { entries, hasMore } = await pageRows(engine, of, query, keepIt);
  return { entries: entries.map(resourceOf), hasMore };
}

/** Hidden once this resolves; its bytes are gone too, or go with the next sweep (A3). @throws artifact_not_found */
export async function deleteArtifact(
  engine: EngineContext,
  { tenant }: Caller,
  session: string,
  id: string,
): Promise<void> {
  await findArtifact(engine, tenant, session, id);
  const hidden = await changeRow<ArtifactRecord>(engine, { kind: 'artifact', tenant, id }, ({ record }) =>
    record.deleted ? null : { record: { ...record, path: '', type: '', deleted: true }, wakeAt: engine.clock.now() },
  );
  await sweepArtifact(engine, hidden.row).catch(() => undefined);
}

/** The bytes of one that was deleted go, then its row. */
export async function sweepArtifact(engine: EngineContext, row: ResourceRow): Promise<void> {
  const { record } = found(row);
  if (!record.deleted) return;
  const store = storeOf(engine, row.parent ?? '');
  if (store !== null) {
    const file = await engine.sessions.wait(store.file(row.tenant, row.id));
    if (file !== null) await discard(engine, store, file);
  }
  await removeRow(engine, row);
}

/** The rows of a session's artifacts go: their bytes went with its events. */
export async function forgetArtifacts(engine: EngineContext, tenant: TenantId, session: string): Promise<void> {
  for (;;) {
    const rows = await engine.sessions.wait(
      engine.control.resources({ kind: 'artifact', tenant, parent: session, order: 'asc', limit: 100, after: null }),
    );
    for (const row of rows) {
      const store = storeOf(engine, session);
      const file = store === null ? null : await engine.sessions.wait(store.file(tenant, row.id));
      if (store !== null && file !== null) await discard(engine, store, file);
      await removeRow(engine, row);
    }
    if (rows.length === 0) return;
  }
}
