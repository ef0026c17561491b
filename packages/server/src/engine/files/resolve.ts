/**
 * At the edge of a call, references become bytes: what a model is sent holds the file itself. A file that was deleted or has expired since
 * becomes a sentence that says so: the history stays usable, and its bytes stay gone.
 */
import type { InputPart } from '@perdure/protocol';
import { parseItemId, type TenantId } from '../../kernel/ids.ts';
import type { LoggedItem } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import type { ContextRun, SessionLog } from '../ports.ts';
import { type Attached, findFile, partOf } from './attach.ts';
import { readWhole } from './chunks.ts';
import { fetchedId, storeOfFile } from './file-id.ts';
import { type ReferringPart, refers, referringParts, withParts } from './parts.ts';
import type { FileRow } from './rows.ts';

/**
 * The context of a session as a call is sent it. Runs without references are given back as they are: their encodings are known by them.
 * What the files in it come to is told to the context, for the estimates of later calls.
 */
export async function resolveContext(
  engine: EngineContext,
  { tenant, context }: Pick<LiveSession, 'tenant' | 'context'>,
  sent: readonly ContextRun[] = context.runs,
): Promise<readonly ContextRun[]> {
  const all = await resolveRuns(engine, tenant, sent);
  if (all !== sent) context.attached = context.runs.reduce((sum, run) => sum + engine.resolved.weight(run), 0);
  return all;
}

/** Runs as a call is sent them: the same list if none refers to anything. */
export async function resolveRuns(
  engine: EngineContext,
  tenant: TenantId,
  runs: readonly ContextRun[],
): Promise<readonly ContextRun[]> {
  const { resolved } = engine;
  if (!runs.some(run => resolved.refers(run))) return runs;
  const all: ContextRun[] = [];
  for (const run of runs) {
    const known = resolved.refers(run) ? resolved.get(run, engine.clock.now()) : run;
    all.push(known ?? (await resolveRun(engine, tenant, run)));
  }
  return all;
}

async function resolveRun(engine: EngineContext, tenant: TenantId, run: ContextRun): Promise<ContextRun> {
  const work: Work = { engine, tenant, fetched: null, files: [], until: null, bytes: 0, weight: 0 };
  const { epoch } = engine.resolved;
  const items = await resolveItems(work, run.items);
  const made: ContextRun = { items };
  engine.resolved.put(run, made, { ...work, epoch });
  return made;
}

/** The items of a stateless call: what was fetched for it is in memory alone. */
export async function resolveNow(
  engine: EngineContext,
  tenant: TenantId,
  items: readonly LoggedItem[],
  { fetched }: Attached,
): Promise<readonly LoggedItem[]> {
  if (!refers(items)) return items;
  return resolveItems({ engine, tenant, fetched, files: [], until: null, bytes: 0, weight: 0 }, items);
}

interface Work {
  readonly engine: EngineContext;
  readonly tenant: TenantId;
  /** What this very request had fetched; null: what was kept. */
  readonly fetched: Attached['fetched'] | null;
  readonly files: string[];
  /** When the first of the files expires, ms since 1970. */
  until: number | null;
  /** As they are sent. */
  bytes: number;
  /** Of files, images aside. */
  weight: number;
}

async function resolveItems(work: Work, items: readonly LoggedItem[]): Promise<readonly LoggedItem[]> {
  const all: LoggedItem[] = [];
  for (const item of items) {
    const replaced = new Map<unknown, InputPart>();
    for (const found of referringParts(item)) replaced.set(found.part, await resolvePart(work, item, found));
    all.push(replaced.size === 0 ? item : withParts(item, replaced));
  }
  return all;
}

async function resolvePart(work: Work, item: LoggedItem, found: ReferringPart): Promise<InputPart> {
  const { engine, tenant } = work;
  const { reference, part } = found;
  if (reference.type === 'file') {
    work.files.push(reference.id);
    const store = storeOfFile(engine.homes, reference.id);
    const row = await findFile(engine, tenant, reference.id);
    if (row === null || store === null) return gone(`The file ${reference.id}`);
    if (row.expiresAt !== null) work.until = Math.min(work.until ?? row.expiresAt, row.expiresAt);
    return sent(work, found, row, await bytesOf(work, store, row));
  }
  if (engine.files.fetch === null) return part;
  const now = work.fetched?.get(part);
  if (now !== undefined) return sent(work, found, now, now.bytes);
  const store = engine.homes.ofBody(parseItemId(item.id)?.body ?? '');
  const row = store && (await engine.sessions.wait(store.file(tenant, fetchedId(item.id, partOf(found)))));
  if (store === null || row === null) return gone(`What lay at ${reference.url.slice(0, 200)}`);
  return sent(work, found, row, await bytesOf(work, store, row));
}

function bytesOf({ engine }: Work, store: SessionLog, row: FileRow): Promise<Uint8Array> {
  return readWhole(engine.files.blobs(store.home), row, work => engine.sessions.wait(work));
}

function sent(
  work: Work,
  { part }: ReferringPart,
  { type, filename }: Pick<FileRow, 'type' | 'filename'>,
  bytes: Uint8Array,
): InputPart {
  const data = `data:${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}`;
  work.bytes += data.length;
  const { prompt_cache_breakpoint } = part;
  const ends = prompt_cache_breakpoint === undefined ? {} : { prompt_cache_breakpoint };
  if (part.type === 'input_image') return { type: 'input_image', image_url: data, detail: part.detail, ...ends };
  work.weight += bytes.length;
  const named = part.type === 'input_file' ? part.filename : undefined;
  return { type: 'input_file', filename: named ?? filename, file_data: data, ...ends };
}

function gone(what: string): InputPart {
  return { type: 'input_text', text: `[${what} is not there any more: it was deleted, or has expired.]` };
}
